#include "insight/drivers/needed_drivers.h"

#include <algorithm>
#include <set>

#include "insight/drivers/driver_check.h"

namespace cube::insight {
namespace {

// The check that a part of ThisMachine is for.
std::string check_of(const std::string& part) {
  return (part == "devices" || part == "modules" ? "device" : part) + "-driver";
}

class Preflight {
 public:
  Preflight(const ThisMachine& machine, const DriverTree& staged, const DriverTree& running)
      : machine_(machine), staged_(staged), running_(running) {}

  Findings run() {
    const auto index = ModuleIndex::open(staged_.root, staged_.inventory.kernel);
    auto today = ModuleIndex::open(running_.root, machine_.kernel);
    if (!today && !machine_.modules.empty())
      found_.add({"device-driver", "running-kernel", Grade::unknown,
                  "what the running kernel's modules answer to is not known: " + today.error().what,
                  "", ""});
    if (index)
      check(DriverSupply(staged_, *index, today ? &*today : nullptr));
    else
      no_index(index.error());
    for (const auto& one : machine_.unreadable)
      found_.add({check_of(one.part), "machine", Grade::unknown, one.why, "", ""});
    return found_.take();
  }

 private:
  void check(const DriverSupply& supply) {
    DriverCheck drivers(machine_, supply, running_, found_);
    std::set<std::string> seen;
    const auto look_at = [&](Hangs what, const Chain& chain) {
      for (const auto& device : chain.devices) seen.insert(device.path);
      drivers.check(what, chain);
    };
    for (const auto& chain : machine_.roots) look_at(Hangs::root, chain);
    for (const auto& one : machine_.interfaces)
      if (one.management)
        look_at(machine_.root_by_network ? Hangs::root_network : Hangs::network, one.chain);
    for (const auto& chain : machine_.consoles) look_at(Hangs::console, chain);
    Chain others{"others", {}};
    for (const auto& device : machine_.devices)
      if (seen.count(device.path) == 0) others.devices.push_back(device);
    drivers.check(Hangs::nothing, others);
  }

  // A kernel with everything in it has no modules: then it is the same as today. An appliance whose
  // initramfs has all modules needs no lists.
  void no_index(const Error& error) {
    std::string needed;
    const auto look_at = [&](const Chain& chain) {
      for (const auto& device : chain.devices)
        if (needed.empty() && machine_.modules.count(device.module) != 0 &&
            staged_.inventory.initramfs_modules.count(device.module) == 0)
          needed = device.module;
    };
    for (const auto& chain : machine_.roots) look_at(chain);
    for (const auto& one : machine_.interfaces)
      if (one.management) look_at(one.chain);
    Finding finding{"root-driver",
                    "modules",
                    Grade::unknown,
                    "the release's lists of modules cannot be read (" + error.what +
                        "), so only names of drivers were compared",
                    "",
                    ""};
    if (!needed.empty()) {
      finding.grade = Grade::refusal;
      finding.what += ", and this machine needs " + needed +
                      ", which is not in the initramfs " + staged_.inventory.initramfs;
      finding.remedy = "compose the release with its kernel's modules, after depmod";
    }
    found_.add(std::move(finding));
  }

  const ThisMachine& machine_;
  const DriverTree& staged_;
  const DriverTree& running_;
  FoundFindings found_;
};

}  // namespace

Findings driver_findings(const ThisMachine& machine, const DriverTree& staged,
                         const DriverTree& running) {
  return Preflight(machine, staged, running).run();
}

}  // namespace cube::insight
