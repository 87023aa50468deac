#include "model/fleet/plan_windows.h"

#include <algorithm>
#include <limits>

namespace cube::fleet {
namespace {

constexpr Seconds horizon = 400 * Seconds{86400};
constexpr int max_steps = 2000;  // windows that miss each other week after week

// The opening that `now` is in and that ends last, or the next.
std::optional<Opening> next_of(const std::vector<MaintenanceWindows>& any, UnixSeconds now) {
  std::optional<Opening> open, coming;
  for (const auto& windows : any) {
    const auto next = windows.next(now);
    if (!next) continue;
    if (next->begin <= now) {
      if (!open || next->end > open->end) open = next;
    } else if (!coming || next->begin < coming->begin) {
      coming = next;
    }
  }
  return open ? open : coming;
}

}  // namespace

Result<PlanWindows> PlanWindows::of(const Plan& plan, const TimeZone& local) {
  PlanWindows windows;
  for (const auto& any : plan.windows) {
    std::vector<MaintenanceWindows> sets;
    for (const auto& set : any) {
      auto zone =
          set.time_zone == "local" ? Result<TimeZone>(local) : TimeZone::find(set.time_zone);
      if (!zone) return std::move(zone).error().in("windows of the plan");
      sets.emplace_back(set.rules, set.exceptions, std::move(zone).value());
    }
    windows.all_.push_back(std::move(sets));
  }
  return windows;
}

void PlanWindows::add(MaintenanceWindows windows) {
  if (!windows.none()) all_.push_back({std::move(windows)});
}

std::optional<Opening> PlanWindows::next(UnixSeconds now, Seconds need) const {
  UnixSeconds at = now;
  for (int step = 0; step < max_steps && at <= now + horizon; ++step) {
    Opening common{std::numeric_limits<UnixSeconds>::min(),
                   std::numeric_limits<UnixSeconds>::max()};
    for (const auto& any : all_) {
      const auto next = next_of(any, at);
      if (!next) return std::nullopt;
      common.begin = std::max(common.begin, next->begin);
      common.end = std::min(common.end, next->end);
    }
    if (common.begin < common.end && common.end - std::max(common.begin, now) >= need)
      return common;
    // Where they miss each other, none of them has more to offer before the last of them opens.
    at = common.begin < common.end ? common.end : std::max(common.begin, at + 1);
  }
  return std::nullopt;
}

std::vector<Opening> PlanWindows::between(UnixSeconds from, UnixSeconds until,
                                          std::size_t max) const {
  std::vector<Opening> openings;
  while (!none() && openings.size() < max) {
    const auto next = this->next(from);
    if (!next || next->begin >= until) break;
    openings.push_back(*next);
    from = next->end;
  }
  return openings;
}

}  // namespace cube::fleet
