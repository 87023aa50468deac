#include "boot/watchdog/survival.h"

#include <algorithm>

namespace cube {
namespace {

struct Answer {
  Survived survived;
  std::string how;
  std::string remedy;
};

bool gives(const SurvivalFacts& facts, const std::string& argument) {
  return facts.own_arguments || facts.trial_arguments.find(" " + argument) != std::string::npos;
}

Answer panic(const SurvivalFacts& facts) {
  if (facts.trial_arguments.empty() && !facts.own_arguments)
    return {Survived::unknown,
            "the loader's script with the trial's kernel arguments was not found",
            "see that it gives panic=10, as /usr/share/cube-update/grub.d/cube.cfg does"};
  if (!gives(facts, "panic="))
    return {Survived::no, "a trial's kernel is not given panic=, so it stops for ever",
            "install the loader's script of this version anew"};
  if (facts.records_kept_by.empty()) {
    const bool possible = !facts.records_possible.empty();
    return {Survived::yes, "panic= restarts the machine; no store keeps the kernel's last words",
            possible ? "to learn why: let pstore use " + facts.records_possible.front()
                     : "to learn why: set up ramoops, or a netconsole"};
  }
  return {
      Survived::yes,
      "panic= restarts the machine; " + facts.records_kept_by + " keeps the kernel's last words",
      ""};
}

// What ends every hang from the restart on.
bool bmc_works(const SurvivalFacts& facts, bool policy_off) {
  return facts.bmc_trouble.empty() && !policy_off;
}

std::string bmc_remedy(const SurvivalFacts& facts, bool policy_off) {
  if (facts.bmc_trouble.empty() && policy_off)
    return "set watchdog.policy to \"if-present\": this machine's BMC has a watchdog";
  if (facts.bmc_without_driver)
    return "the firmware tells of a BMC: load the modules ipmi_si and ipmi_devintf at every boot";
  return "somebody has to switch the machine off and on; it then starts the old release";
}

Answer lockup(const SurvivalFacts& facts, bool policy_off) {
  const bool bmc = bmc_works(facts, policy_off);
  const bool soft = facts.soft_lockups && gives(facts, "softlockup_panic=1");
  const bool hard = facts.hard_lockups && gives(facts, "nmi_watchdog=panic");
  if (soft && hard)
    return {Survived::yes, "the kernel's detectors of soft and hard lockups turn them into a panic",
            ""};
  if (bmc) return {Survived::yes, "the BMC's watchdog, until the commit", ""};
  if (soft)
    return {Survived::partly, "soft lockups become a panic; this kernel detects no hard ones",
            "if the processor can do it: kernel.nmi_watchdog=1"};
  return {Survived::no, "this kernel does not detect lockups", bmc_remedy(facts, policy_off)};
}

const WatchdogDevice* best_device(const SurvivalFacts& facts) {
  const auto best = std::min_element(facts.devices.begin(), facts.devices.end(),
                                     [](const WatchdogDevice& left, const WatchdogDevice& right) {
                                       return left.kind < right.kind;
                                     });
  return best == facts.devices.end() ? nullptr : &*best;
}

Answer hang(const SurvivalFacts& facts, bool policy_off) {
  if (bmc_works(facts, policy_off))
    return {Survived::yes, "the BMC's watchdog, until the commit", ""};
  const WatchdogDevice* device = best_device(facts);
  if (device == nullptr)
    return {Survived::no, "this machine shows no watchdog device", bmc_remedy(facts, policy_off)};
  const std::string named = device->name + " (" + device->identity + ")";
  if (!facts.initramfs_arms)
    return {Survived::no, "nothing arms " + named + " in a trial's initramfs",
            "install cube-update's initramfs hook, and make the releases' initramfs with it"};
  switch (device->kind) {
    case WatchdogDevice::Kind::hardware:
      return {Survived::yes, named + " is armed in the trial's initramfs", ""};
    case WatchdogDevice::Kind::unproven:
      return {
          Survived::unknown,
          named + " is armed in the trial's initramfs; on some boards it cannot reset the machine",
          "try it once: docs/watchdogs.md says how"};
    case WatchdogDevice::Kind::software:
      break;
  }
  return {Survived::partly,
          named + " is armed in the trial's initramfs; it dies with a kernel that hangs as a whole",
          bmc_remedy(facts, policy_off)};
}

// Before the kernel has a driver for anything.
Answer early_hang(const SurvivalFacts& facts, bool policy_off) {
  if (bmc_works(facts, policy_off))
    return {Survived::yes, "the BMC's watchdog is started before the restart into a trial", ""};
  const std::string why = facts.bmc_trouble.empty()
                              ? "watchdog.policy is \"off\""
                              : "the BMC's watchdog cannot be used: " + facts.bmc_trouble;
  return {Survived::no, why, bmc_remedy(facts, policy_off)};
}

Answer initramfs(const SurvivalFacts& facts, bool policy_off) {
  if (facts.initramfs_hook)
    return {Survived::yes,
            "the hook turns an emergency shell into a panic, where the release's initramfs has it",
            ""};
  if (bmc_works(facts, policy_off))
    return {Survived::yes, "the BMC's watchdog; the reason is lost",
            "install cube-update's initramfs hook"};
  return {Survived::unknown, "no initramfs hook of cube-update is installed here",
          "install it, or let the release's own initramfs panic on trials"};
}

Answer sick(const SurvivalFacts& facts) {
  if (facts.units_enabled)
    return {Survived::yes, "health checks and the trial's deadline: cube-update-resume and -commit",
            ""};
  return {Survived::unknown, "the units cube-update-resume and cube-update-commit are not enabled",
          "enable both; with another init, see that it runs both commands"};
}

Answer power_cut(const std::string& records) {
  if (records.empty())
    return {Survived::yes, "the loader's records name the fallback, and the trial is tried again",
            ""};
  return {Survived::no, "the loader's records are not whole: " + records,
          "run `cube-update commit` to write them anew"};
}

}  // namespace

std::string_view to_string(Survived survived) {
  switch (survived) {
    case Survived::yes:
      return "yes";
    case Survived::partly:
      return "partly";
    case Survived::no:
      return "no";
    case Survived::unknown:
      break;
  }
  return "unknown";
}

std::vector<Death> judge_survival(const SurvivalFacts& facts, bool policy_off,
                                  const std::string& records) {
  std::vector<Death> deaths;
  const auto add = [&](std::string name, std::string what, Answer answer) {
    deaths.push_back({std::move(name), std::move(what), answer.survived, std::move(answer.how),
                      std::move(answer.remedy)});
  };
  const auto early = early_hang(facts, policy_off);
  add("panic", "the trial's kernel panics", panic(facts));
  add("lockup", "its kernel locks up", lockup(facts, policy_off));
  add("initramfs", "its initramfs cannot go on", initramfs(facts, policy_off));
  add("hang", "it hangs after its initramfs began", hang(facts, policy_off));
  add("early-hang", "it hangs before that", early);
  add("loader-hang", "the boot loader hangs", early);
  add("sick", "it comes up sick", sick(facts));
  add("power-cut", "the power fails at any time", power_cut(records));
  return deaths;
}

}  // namespace cube
