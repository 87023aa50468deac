#include "agent/schedule/schedule.h"

#include "agent/schedule/holds.h"
#include "base/digest.h"
#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::size_t max_link = 256;

// The configured zone, or the one that etc/localtime links to; without one UTC.
Result<TimeZone> zone_of(const RootDir& root, const Config& config) {
  if (!config.schedule_time_zone.empty()) return TimeZone::find(config.schedule_time_zone);
  const auto link = root.read_link("etc/localtime");
  constexpr std::string_view folder = "zoneinfo/";
  const auto at = link ? link->rfind(folder) : std::string::npos;
  if (at == std::string::npos || link->size() > max_link) return TimeZone::utc();
  return TimeZone::find(link->substr(at + folder.size()));
}

Result<MaintenanceWindows> windows_of(const RootDir& root, const Config& config) {
  std::vector<WindowRule> rules;
  for (const auto& text : config.schedule_windows) {
    CUBE_TRY(const auto rule, parse_window(text));
    rules.push_back(rule);
  }
  std::vector<DayRange> exceptions;
  for (const auto& text : config.schedule_exceptions) {
    CUBE_TRY(const auto days, parse_days(text));
    exceptions.push_back(days);
  }
  CUBE_TRY(auto zone, zone_of(root, config));
  return MaintenanceWindows(std::move(rules), std::move(exceptions), std::move(zone));
}

}  // namespace

Schedule::Schedule(const RootDir& root, const Config& config)
    : root_(root),
      spread_(config.schedule_spread),
      check_interval_(config.schedule_check_interval),
      has_windows_(!config.schedule_windows.empty()),
      windows_(windows_of(root, config)) {
  // A machine without an id starts with the window.
  if (auto machine = root.read_file("etc/machine-id", 128)) machine_ = std::move(*machine);
}

std::string Schedule::format(UnixSeconds time) const {
  return (windows_ ? windows_->zone() : TimeZone::utc()).format(time);
}

Seconds Schedule::share(UnixSeconds event, Seconds most) const {
  if (most <= 0 || machine_.empty()) return 0;
  const auto digest = sha256(machine_ + " " + std::to_string(event));
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) number = number << 8 | digest[i];
  return static_cast<Seconds>(number % static_cast<std::uint64_t>(most + 1));
}

Result<std::optional<Opening>> Schedule::next_start(UnixSeconds now) const {
  if (!windows_) return windows_.error();
  auto opening = windows_->next(now);
  // Half of each window is left even for the last machine.
  if (opening && !mutated("window-not-spread"))
    opening->begin += share(opening->begin, std::min(spread_, (opening->end - opening->begin) / 2));
  return opening;
}

Result<std::string> Schedule::holds_back(const Update& update, UnixSeconds now) const {
  if (update.start == Start::at_once) return std::string();
  if (now < update.not_before && !mutated("start-time-ignored"))
    return "waits until " + format(update.not_before);
  if (update.start == Start::in_window && has_windows() && !mutated("window-ignored")) {
    CUBE_TRY(const auto opening, next_start(now));
    if (!opening)
      return std::string("waits for a maintenance window, and none opens within 400 days; see ") +
             "schedule.windows and schedule.exceptions";
    if (now < opening->begin)
      return "waits for the maintenance window: starts " + format(opening->begin) +
             ", the window ends " + format(opening->end);
  }
  return held_by(root_);
}

Result<UnixSeconds> Schedule::parse_time(const std::string& text) const {
  if (const auto utc = parse_utc(text)) return *utc;
  if (!windows_) return windows_.error();
  const auto& zone = windows_->zone();
  const auto gap = text.find(' ');
  const auto day = parse_day(text.substr(0, gap));
  const auto time = parse_time_of_day(gap == std::string::npos ? "" : text.substr(gap + 1));
  if (!day || !time)
    return Error{Errc::invalid, "\"" + text + "\" is no time like \"2026-11-25 21:55\" (" +
                                    zone.name() + ") or 2026-11-25T20:55:00Z"};
  return zone.instant({*day, *time});
}

bool Schedule::check_is_due(UnixSeconds last, UnixSeconds now) const {
  if (last <= 0 || last > now) return true;
  return now - last >= check_interval_ + share(last, check_interval_ / 4);
}

}  // namespace cube
