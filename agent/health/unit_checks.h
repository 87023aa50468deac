// What systemd says of a machine's health, as checks.
#pragma once

#include <string>
#include <vector>

#include "agent/health/local_health_gate.h"
#include "agent/power/init_system.h"

namespace cube {

// The rule, pure: one check for each unit that has failed and is not in ignore_units, and for each
// that is required or wanted and not active; one, "systemd-units", that passed, if there is none.
[[nodiscard]] std::vector<Check> judge_units(const HealthConfig& config,
                                             const std::vector<std::string>& failed,
                                             const std::vector<UnitState>& required,
                                             const std::vector<UnitState>& wanted);

// The units that must be active: required_units, and boot-complete.target if that is asked for.
[[nodiscard]] std::vector<std::string> units_to_be_active(const HealthConfig& config);

// Asks the running system's systemd. A question that it does not answer has failed.
[[nodiscard]] std::vector<Check> unit_checks(const HealthConfig& config);

}  // namespace cube
