// Survival: which deaths of a trial this machine gets over by itself, judged from facts about it.
// docs/watchdogs.md has the same table for all machines.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/root_dir.h"
#include "boot/watchdog/ipmi_channel.h"
#include "boot/watchdog/watchdog_devices.h"

namespace cube {

struct SurvivalFacts {
  std::string bmc_trouble;          // why the BMC's watchdog cannot be used; "": it answers
  bool bmc_without_driver = false;  // the firmware tells of a BMC, the kernel has no device for it
  std::vector<WatchdogDevice> devices;
  bool own_arguments = false;   // the agent itself writes down what a trial's kernel is given
  std::string trial_arguments;  // else: as the loader's script has them; "" when not found
  bool soft_lockups = false;    // the running kernel's detectors; the trial's may have others
  bool hard_lockups = false;
  bool hung_tasks = false;
  std::string records_kept_by;  // back-end of pstore in use; "" none
  std::vector<std::string>
      records_possible;         // "erst", "efi_pstore", "ramoops": what is there for it
  bool initramfs_hook = false;  // installed in the running release
  bool initramfs_arms = false;  // that hook arms a watchdog device
  bool units_enabled = false;   // resume and commit, with systemd
};
// `script_folder`: where GRUB's configuration may be, besides boot/grub and boot/grub2.
// What cannot be read is taken as not there.
[[nodiscard]] SurvivalFacts survival_facts(const RootDir& root, IpmiChannel& bmc,
                                           const std::string& loader,
                                           const std::string& script_folder);

enum class Survived { yes, partly, no, unknown };
[[nodiscard]] std::string_view to_string(Survived survived);

struct Death {
  std::string name;  // stable: "panic", "lockup", "hang", "early-hang", "loader-hang", "initramfs",
                     // "sick", "power-cut"
  std::string what;  // for people
  Survived survived{};
  std::string how;   // by what, or why not
  std::string remedy;  // "" when there is nothing to do
};
// `policy_off`: the configuration forbids the BMC's watchdog. `records`: what is wrong with the
// loader's records, or "".
[[nodiscard]] std::vector<Death> judge_survival(const SurvivalFacts& facts, bool policy_off,
                                                const std::string& records);

}  // namespace cube
