// What the agent asks of systemd, on the manager's own socket: it works without a D-Bus daemon,
// early in the boot and in a broken system. Root only. Bounded to 30 s per question.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace cube {

// True when systemd is PID 1 of the running system.
[[nodiscard]] bool systemd_runs();
// Names of all units in state "failed". Errors: failed.
[[nodiscard]] Result<std::vector<std::string>> failed_units();
struct UnitState {
  std::string name;
  std::string active;  // "active", "inactive", "failed", "activating", ...
};
// Of these units, also of those that are not loaded or do not exist ("inactive"). Errors: failed.
[[nodiscard]] Result<std::vector<UnitState>> states_of(const std::vector<std::string>& units);
// How often userspace was restarted without the kernel; nullopt: this systemd does not count it.
// Errors: failed.
[[nodiscard]] Result<std::optional<std::uint32_t>> soft_reboots();
// Starts reboot.target, irreversibly. Errors: failed.
Status start_reboot();

}  // namespace cube
