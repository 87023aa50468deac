// Processors: levels of x86-64, what programs and kernels say that they need, microcode.
#include "insight/fit/processor_fit.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/utsname.h>

#include "base/little_endian.h"
#include "base/spawn.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube::insight {
namespace {

constexpr const char* v1 = "fpu cx8 cmov mmx fxsr sse sse2 syscall lm nx";
constexpr const char* v2_more = " pni ssse3 cx16 sse4_1 sse4_2 popcnt lahf_lm";
constexpr const char* v3_more = " fma movbe xsave avx f16c abm bmi1 avx2 bmi2";

Processor with_flags(const std::string& flags) {
  return parse_cpuinfo(
      "processor : 0\nvendor_id\t: GenuineIntel\nmicrocode\t: 0x2f\nflags\t\t: " + flags + "\n");
}

std::string told(const Findings& findings) {
  std::string text;
  for (const auto& one : findings) text += std::string(word_for(one.grade)) + " " + one.id() + "\n";
  return text;
}

ProcessorFacts facts_with(const std::string& flags, int level, const std::string& os_release) {
  ProcessorFacts facts;
  facts.machine = "x86_64";
  facts.processor = with_flags(flags);
  facts.programs = {{"lib64/libc.so.6", ElfNeeds{"x86_64", level}}};
  facts.os_release = os_release;
  facts.kernel = KernelImage{"x86_64", "6.1.0"};
  return facts;
}

constexpr const char* rocky9 = "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\n";
constexpr const char* centos10 = "ID=\"centos\"\nVERSION_ID=\"10\"\n";
constexpr const char* debian = "ID=debian\nVERSION_ID=\"12\"\n";
constexpr const char* machine_fits = "good cpu-level:machine\n";

TEST(Processor, LevelsAsThePsAbiCountsThem) {
  const std::string all = std::string(v1) + v2_more + v3_more;
  EXPECT_TRUE(lacking_for_level(1, with_flags(v1).flags).empty());
  EXPECT_EQ(lacking_for_level(2, with_flags(v1).flags).size(), 7U);
  EXPECT_TRUE(lacking_for_level(2, with_flags(std::string(v1) + v2_more).flags).empty());
  EXPECT_EQ(lacking_for_level(3, with_flags(std::string(v1) + v2_more).flags).front(), "abm");
  EXPECT_TRUE(lacking_for_level(3, with_flags(all).flags).empty());
  EXPECT_EQ(lacking_for_level(4, with_flags(all).flags).size(), 5U);
}

TEST(Processor, HasWhatEachOfThemHas) {
  const auto both =
      parse_cpuinfo("vendor_id : AuthenticAMD\nflags : lm sse avx\n\nflags : lm sse\n");
  EXPECT_EQ(both.flags, (Names{"lm", "sse"}));
  EXPECT_EQ(both.vendor, "AuthenticAMD");
  EXPECT_TRUE(parse_cpuinfo("BogoMIPS : 50.00\nFeatures : fp asimd\n").flags.empty());
}

TEST(CpuLevel, AReleaseForNewerProcessorsIsRefused) {
  struct Case {
    std::string flags;
    int level;
    const char* os_release;
    std::string userland;
  };
  const std::string v2 = std::string(v1) + v2_more, v3 = v2 + v3_more;
  const std::vector<Case> cases = {
      {v1, 2, rocky9, "refusal"},
      {v2, 2, rocky9, "good"},
      {v3, 2, rocky9, "good"},
      {v2, 3, "", "refusal"},
      {v3, 3, "", "good"},
      {v3, 4, "", "refusal"},
      {v1, 1, debian, "good"},
      {v1, 0, rocky9, "refusal"},
      {v2, 0, rocky9, "good"},
      {v2, 0, centos10, "refusal"},
      {v3, 0, centos10, "good"},
      {v2, 2, centos10, "good"},  // a rebuild for older processors says so in its library
      {v1, 0, debian, "unknown"},
      {"", 2, rocky9, "unknown"},
  };
  for (const auto& one : cases)
    EXPECT_EQ(told(cpu_level_findings(facts_with(one.flags, one.level, one.os_release), {})),
              machine_fits + one.userland + " cpu-level:userland\n")
        << one.flags << one.level << one.os_release;
}

TEST(CpuLevel, NamesWhatIsLacking) {
  const auto found = cpu_level_findings(facts_with(std::string(v1) + v2_more, 3, ""), {});
  EXPECT_NE(found.back().what.find("x86-64-v3 (lib64/libc.so.6)"), std::string::npos);
  EXPECT_NE(found.back().what.find("lack abm, avx, avx2"), std::string::npos);
}

TEST(CpuLevel, ThisMachineRunsWhatItRuns) {
  const auto root = RootDir::running_system().value();
  utsname names{};
  ASSERT_EQ(::uname(&names), 0);
  if (std::string(names.machine) != "x86_64") GTEST_SKIP() << "levels are of x86-64";
  ProcessorFacts facts;
  facts.machine = names.machine;
  facts.processor = parse_cpuinfo(root.read_file("proc/cpuinfo", max_cpuinfo_bytes).value());
  for (const char* path : {"lib64/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu/libc.so.6"}) {
    const auto file = root.open_file(path, O_RDONLY).value();
    facts.programs.push_back({path, elf_needs(file)});
    ASSERT_TRUE(facts.programs.back().needs);
    EXPECT_EQ(facts.programs.back().needs->machine, "x86_64");
  }
  EXPECT_EQ(facts.programs.back().needs->level, 1) << "Debian's C library is for the baseline";
  facts.os_release = root.read_file("etc/os-release", 65536).value();
  facts.kernel = KernelImage{"x86_64", ""};
  EXPECT_EQ(told(cpu_level_findings(facts, {})),
            std::string(machine_fits) + "good cpu-level:userland\n");
}

TEST(CpuLevel, AnotherMachineIsRefused) {
  auto facts = facts_with(v1, 1, debian);
  facts.kernel = KernelImage{"aarch64", ""};
  EXPECT_EQ(told(cpu_level_findings(facts, {})).substr(0, 25), "refusal cpu-level:machine");
  facts = facts_with(v1, 1, debian);
  facts.programs.push_back({"sbin/init", ElfNeeds{"riscv64", 0}});
  EXPECT_EQ(told(cpu_level_findings(facts, {})).substr(0, 25), "refusal cpu-level:machine");
  facts.programs.back().needs = ElfNeeds{"i686", 0};
  EXPECT_EQ(told(cpu_level_findings(facts, {})).substr(0, 25), "unknown cpu-level:machine");
  facts = facts_with(v1, 1, debian);
  facts.kernel = Error{Errc::corrupt, "boot/vmlinuz: is no kernel image"};
  EXPECT_EQ(told(cpu_level_findings(facts, {})).substr(0, 25), "unknown cpu-level:machine");
  facts.machine = "aarch64";
  facts.programs = {{"sbin/init", ElfNeeds{"aarch64", 0}}};
  facts.kernel = KernelImage{"aarch64", ""};
  EXPECT_EQ(told(cpu_level_findings(facts, {})), machine_fits) << "levels are of x86-64 only";
}

TEST(CpuLevel, AKernelForAnotherMakersProcessorsIsSaid) {
  Inventory staged;
  staged.options = {{"CONFIG_GENERIC_CPU", "y"}};
  EXPECT_EQ(cpu_level_findings(facts_with(v1, 1, debian), staged).size(), 2U);
  staged.options = {{"CONFIG_MK8", "y"}};
  EXPECT_EQ(cpu_level_findings(facts_with(v1, 1, debian), staged).back().id(), "cpu-level:kernel");
  staged.options = {{"CONFIG_X86_NATIVE_CPU", "y"}};
  EXPECT_EQ(cpu_level_findings(facts_with(v1, 1, debian), staged).back().grade, Grade::unknown);
}

// As ld marks it for `-z x86-64-v3`.
TEST(ElfNeeds, OfWhatTheLinkerMakes) {
  const ScratchDir scratch;
  const std::string data = scratch.path() + "/data", object = scratch.path() + "/a.o",
                    library = scratch.path() + "/a.so";
  put(data, "x");
  for (int level = 1; level <= 4; ++level) {
    const std::string name = level == 1 ? "x86-64-baseline" : "x86-64-v" + std::to_string(level);
    for (const auto& command : std::vector<std::vector<std::string>>{
             {"objcopy", "-I", "binary", "-O", "elf64-x86-64", data, object},
             {"ld", "-shared", "-z", name, object, "-o", library}}) {
      const auto outcome = spawn(command);
      ASSERT_TRUE(outcome && outcome->exit_code == 0) << (outcome ? outcome->output : "");
    }
    const auto file = get(library);
    EXPECT_EQ(elf_needs(file).value(), (ElfNeeds{"x86_64", level}));
    for (std::size_t size = 0; size < 1024; size += 7)
      (void)elf_needs(std::string_view(file).substr(0, size));  // no crash, whatever it says
  }
  EXPECT_EQ(elf_needs("#!/bin/sh\n and a script that is long enough").error().code, Errc::corrupt);
  EXPECT_EQ(elf_needs("").error().code, Errc::corrupt);
}

TEST(KernelImage, OfTheKindsThatAreKnown) {
  std::string head(0x1000, '\0');
  head.replace(0x202, 4, "HdrS");
  head.replace(0x206, 2, std::string("\x0f\x02", 2));
  head.replace(0x20E, 2, std::string("\x00\x08", 2));
  head.replace(0xA00, 30, "6.1.0-42-amd64 (builder@host) ");
  EXPECT_EQ(kernel_image(head).value(), (KernelImage{"i686", "6.1.0-42-amd64"}));
  head[0x236] = 1;
  EXPECT_EQ(kernel_image(head).value(), (KernelImage{"x86_64", "6.1.0-42-amd64"}));
  head.replace(0x20E, 2, std::string("\xff\xff", 2));
  EXPECT_EQ(kernel_image(head).value(), (KernelImage{"x86_64", ""})) << "it lies behind the end";
  std::string arm(128, '\0');
  arm.replace(56, 4, "ARM\x64");
  EXPECT_EQ(kernel_image(arm).value(), (KernelImage{"aarch64", ""}));
  EXPECT_EQ(kernel_image("kernel of b").error().code, Errc::corrupt);
}

TEST(Microcode, IsAWarningAtMost) {
  MicrocodeFacts facts{with_flags(v1), true, false};
  EXPECT_EQ(told(microcode_findings(facts)), "warning microcode:GenuineIntel\n");
  EXPECT_NE(microcode_findings(facts)[0].what.find("0x2f"), std::string::npos);
  facts = {with_flags(v1), false, false};
  EXPECT_EQ(told(microcode_findings(facts)), "good microcode:GenuineIntel\n");
  facts = {with_flags(v1), true, true};
  EXPECT_EQ(told(microcode_findings(facts)), "good microcode:GenuineIntel\n");
  facts = {with_flags(v1), true, std::nullopt};
  EXPECT_EQ(told(microcode_findings(facts)), "unknown microcode:GenuineIntel\n");
  facts = {with_flags(std::string(v1) + " hypervisor"), true, false};
  EXPECT_EQ(told(microcode_findings(facts)), "") << "the host's matter";
}

}  // namespace
}  // namespace cube::insight
