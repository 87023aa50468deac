// What the agent asks of systemd, on the manager's own socket: it works without a D-Bus daemon,
// early in the boot and in a broken system. Root only. Bounded to 30 s per question.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace cube {

// True when systemd is PID 1 of the running system.
[[nodiscard]] bool systemd_runs();
// Names of all units in state "failed". Errors: failed.
[[nodiscard]] Result<std::vector<std::string>> failed_units();
// Starts reboot.target, irreversibly. Errors: failed.
Status start_reboot();

}  // namespace cube
