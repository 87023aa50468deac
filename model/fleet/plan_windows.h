// PlanWindows: when machines may restart, as a plan, a site and the machine itself together say it.
// Reads the system's tzdata, as base/time_zone.h does; nothing else.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/fleet/plan.h"
#include "model/maintenance_window.h"

namespace cube::fleet {

class PlanWindows {
 public:
  // `local` is what a plan calls so. Errors: invalid (no such zone), failed (no tzdata).
  static Result<PlanWindows> of(const Plan& plan, const TimeZone& local);
  // One more that must be open, too; nothing when it has no rules.
  void add(MaintenanceWindows windows);

  // No window at all: a restart may be at any time.
  [[nodiscard]] bool none() const { return all_.empty(); }
  // The first time from `now` on when all are open and stay so for `need` seconds; `begin` may be
  // before `now`. nullopt: not within 400 days.
  [[nodiscard]] std::optional<Opening> next(UnixSeconds now, Seconds need = 1) const;
  // All openings that end after `from` and begin before `until`, at most `max`.
  [[nodiscard]] std::vector<Opening> between(UnixSeconds from, UnixSeconds until,
                                             std::size_t max) const;

 private:
  std::vector<std::vector<MaintenanceWindows>> all_;  // of each any
};

}  // namespace cube::fleet
