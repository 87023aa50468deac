#include "insight/fit/processor_fit.h"

#include <algorithm>
#include <array>

#include "base/mutation.h"

namespace cube::insight {
namespace {

constexpr const char* check = "cpu-level";

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// Built for this machine, or what of it is not.
Findings machine_findings(const ProcessorFacts& facts) {
  Findings all;
  const auto add = [&](Grade grade, std::string what) {
    all.push_back({check, "machine", grade, std::move(what), "", ""});
  };
  const auto judge = [&](const std::string& name, const std::string& machine) {
    if (machine == facts.machine) return;
    // Kernels for x86-64 run programs for the older machine when they were built so.
    const bool perhaps = facts.machine == "x86_64" && machine == "i686";
    add(perhaps ? Grade::unknown : Grade::refusal,
        name + " is built for " + machine + ", and this machine is " + facts.machine);
    if (!perhaps) all.back().remedy = "install a release for this machine";
  };
  if (facts.kernel)
    judge("boot/vmlinuz", facts.kernel->machine);
  else
    add(Grade::unknown, "which machine the kernel is built for: " + facts.kernel.error().what);
  for (const auto& program : facts.programs)
    if (program.needs) judge(program.path, program.needs->machine);
  if (all.empty()) add(Grade::good, "kernel and programs are built for " + facts.machine);
  // One for each id: the worst.
  const auto worst = *std::max_element(
      all.begin(), all.end(), [](const auto& a, const auto& b) { return a.grade < b.grade; });
  return {worst};
}

// The level, and the file or the text that says so.
struct Needed {
  int level = 0;
  std::string by;
};

Needed needed_level(const ProcessorFacts& facts) {
  Needed found;
  for (const auto& program : facts.programs)
    if (program.needs && program.needs->level > found.level)
      found = {program.needs->level, program.path};
  // A library that names a level above the baseline knows better than the distribution's name:
  // some of version 10 are built for v2, too.
  if (found.level >= 2) return found;
  const auto usual = level_of_distribution(facts.os_release);
  if (usual && *usual > found.level) return {*usual, "the distribution in etc/os-release"};
  return found;
}

Finding userland_finding(const ProcessorFacts& facts) {
  Finding found{check, "userland", Grade::good, "", "", ""};
  const auto needed = needed_level(facts);
  if (facts.processor.flags.empty()) {
    found.grade = Grade::unknown;
    found.what = "which level of x86-64 this machine's processors have: cpuinfo names no flags";
    return found;
  }
  if (needed.level == 0) {
    found.grade = Grade::unknown;
    found.what = "which level of x86-64 the release's programs need: none of them says so";
    for (const auto& program : facts.programs)
      if (!program.needs) found.what += "; " + program.path + ": " + program.needs.error().what;
    return found;
  }
  const auto lacking = lacking_for_level(needed.level, facts.processor.flags);
  if (lacking.empty() || mutated("preflight-ignores-cpu")) {
    found.what = "programs need " + level_name(needed.level) + ", and the processors have it";
    return found;
  }
  found.grade = Grade::refusal;
  found.what = "programs need " + level_name(needed.level) + " (" + needed.by +
               "), and this machine's processors lack " + joined(lacking);
  found.remedy =
      "stay with a release for older processors; in a virtual machine give it the "
      "host's processor model";
  return found;
}

// Linux, arch/x86/Kconfig.cpu: one of them is chosen.
Findings kernel_findings(const ProcessorFacts& facts, const Inventory& staged) {
  const auto& options = staged.options;
  if (options.empty() || !staged.knows("options")) return {};
  if (options.count("CONFIG_X86_NATIVE_CPU") != 0)
    return {{check, "kernel", Grade::unknown,
             "the kernel is built for the processor of whoever built it (CONFIG_X86_NATIVE_CPU)",
             "", ""}};
  constexpr std::array<std::string_view, 4> intel = {"CONFIG_MPSC", "CONFIG_MCORE2", "CONFIG_MATOM",
                                                     "CONFIG_MNATIVE_INTEL"};
  const auto is_there = [&](std::string_view name) {
    return options.count(std::string(name)) != 0;
  };
  const auto only_intel = std::find_if(intel.begin(), intel.end(), is_there);
  const bool only_amd = is_there("CONFIG_MK8") || is_there("CONFIG_MNATIVE_AMD");
  const bool wrong = (only_intel != intel.end() && facts.processor.vendor == "AuthenticAMD") ||
                     (only_amd && facts.processor.vendor == "GenuineIntel");
  if (!wrong) return {};
  return {{check, "kernel", Grade::unknown,
           "the kernel is built for processors of another maker than " + facts.processor.vendor, "",
           ""}};
}

}  // namespace

Findings cpu_level_findings(const ProcessorFacts& facts, const Inventory& staged) {
  auto all = machine_findings(facts);
  if (facts.machine != "x86_64") return all;
  all.push_back(userland_finding(facts));
  const auto kernel = kernel_findings(facts, staged);
  all.insert(all.end(), kernel.begin(), kernel.end());
  return all;
}

std::string microcode_member(const std::string& vendor) {
  if (vendor != "GenuineIntel" && vendor != "AuthenticAMD") return "";
  return "kernel/x86/microcode/" + vendor + ".bin";
}

Findings microcode_findings(const MicrocodeFacts& facts) {
  const auto& processor = facts.processor;
  if (microcode_member(processor.vendor).empty() || processor.is_virtual()) return {};
  Finding found{"microcode", processor.vendor, Grade::good, "", "", ""};
  const std::string runs = processor.microcode.empty()
                               ? "this machine"
                               : "this machine, which runs revision " + processor.microcode;
  if (!facts.in_staged) {
    found.grade = Grade::unknown;
    found.what = "whether the release's initramfs has microcode for " + runs;
  } else if (*facts.in_staged) {
    found.what = "the release's initramfs has microcode for " + runs +
                 "; which revision it is was not compared";
  } else if (facts.in_running && !*facts.in_running) {
    found.what = "neither release's initramfs has microcode: the firmware loads it";
  } else {
    found.grade = Grade::warning;
    found.what = "the release's initramfs has no microcode for " + runs +
                 ": what the firmware has is used, with the errors mended since";
    found.remedy = "put the maker's microcode into the release";
  }
  return {found};
}

}  // namespace cube::insight
