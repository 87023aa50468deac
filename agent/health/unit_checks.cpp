#include "agent/health/unit_checks.h"

#include <algorithm>

#include "base/mutation.h"

namespace cube {
namespace {

constexpr const char* summary = "systemd-units";
constexpr const char* boot_complete = "boot-complete.target";
constexpr std::size_t max_unit_checks = 100;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Check failing(const std::string& name, const std::string& detail, bool required) {
  Check check;
  check.name = name;
  check.detail = detail;
  check.required = required;
  return check;
}

void add_inactive(const std::vector<UnitState>& units, bool required, std::vector<Check>& checks) {
  for (const auto& unit : units) {
    const bool told = std::any_of(checks.begin(), checks.end(),
                                  [&](const Check& check) { return check.name == unit.name; });
    if (unit.active != "active" && !told)
      checks.push_back(failing(unit.name, "is " + unit.active, required));
  }
}

Result<std::vector<UnitState>> ask(const std::vector<std::string>& units) {
  if (units.empty()) return std::vector<UnitState>();
  return states_of(units);
}

}  // namespace

std::vector<Check> judge_units(const HealthConfig& config, const std::vector<std::string>& failed,
                               const std::vector<UnitState>& required,
                               const std::vector<UnitState>& wanted) {
  std::vector<Check> checks;
  for (const auto& unit : failed)
    if (!contains(config.ignore_units, unit) && checks.size() < max_unit_checks)
      checks.push_back(failing(unit, "has failed", !contains(config.wanted_units, unit)));
  if (!mutated("required-units-ignored")) add_inactive(required, true, checks);
  add_inactive(wanted, false, checks);
  if (!checks.empty()) return checks;
  Check well;
  well.name = summary;
  well.passed = true;
  return {well};
}

std::vector<std::string> units_to_be_active(const HealthConfig& config) {
  auto units = config.required_units;
  if (config.boot_complete) units.emplace_back(boot_complete);
  return units;
}

std::vector<Check> unit_checks(const HealthConfig& config) {
  const auto failed = failed_units();
  if (!failed) return {failing(summary, failed.error().what, true)};
  const auto required = ask(units_to_be_active(config));
  if (!required) return {failing(summary, required.error().what, true)};
  const auto wanted = ask(config.wanted_units);
  if (!wanted) return {failing(summary, wanted.error().what, true)};
  return judge_units(config, *failed, *required, *wanted);
}

}  // namespace cube
