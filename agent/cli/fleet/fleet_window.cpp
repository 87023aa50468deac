// cube-update fleet window test: when this machine may restart in the coming days.
#include <fmt/format.h>

#include "agent/cli/exit_code.h"
#include "agent/cli/fleet/fleet_plan.h"
#include "agent/fleet/planned_start.h"

namespace cube::cli {
namespace {

constexpr Seconds day = 86400;
constexpr std::size_t max_openings = 1000;

// Of the plan, if this machine heeds one, and its own.
Result<fleet::PlanWindows> windows_of(Appliance& appliance, UnixSeconds at) {
  if (!appliance.config().config.fleet_plan)
    return fleet::windows_here(fleet::Plan{}, appliance.schedule());
  CUBE_TRY(const auto journal, appliance.journal().load());
  CUBE_TRY(auto view, view_plan(appliance, journal, at));
  return std::move(view.windows);
}

}  // namespace

Result<int> fleet_window_test(const Common& common, const FleetWindowOptions& options) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  const auto& schedule = appliance->schedule();
  auto from = appliance->clock().now();
  if (!options.from.empty()) {
    CUBE_TRY(from, schedule.parse_time(options.from));
  }
  const auto until = from + options.days * day;
  CUBE_TRY(const auto windows, windows_of(*appliance, from));
  const auto openings = windows.between(from, until, max_openings);
  if (common.json) {
    Json::Array list;
    for (const auto& opening : openings)
      list.push_back(Json::Object{{"begin", format_utc(opening.begin)},
                                  {"end", format_utc(opening.end)},
                                  {"local_begin", schedule.format(opening.begin)},
                                  {"local_end", schedule.format(opening.end)}});
    fmt::print("{}\n", Json(Json::Object{{"event", "result"},
                                         {"from", format_utc(from)},
                                         {"until", format_utc(until)},
                                         {"any_time", windows.none()},
                                         {"openings", list}})
                           .line());
  }
  if (windows.none()) {
    if (!common.json) fmt::print("there are no windows: a restart may be at any time\n");
    return exit_done;
  }
  if (openings.empty()) {
    if (!common.json)
      fmt::print("no window opens from {} to {}\n", schedule.format(from), schedule.format(until));
    return exit_refused;
  }
  for (const auto& opening : openings)
    if (!common.json)
      fmt::print("{} to {}   ({} to {})\n", schedule.format(opening.begin),
                 schedule.format(opening.end), format_utc(opening.begin), format_utc(opening.end));
  return exit_done;
}

}  // namespace cube::cli
