// Maintenance windows: when this appliance may restart into a trial, in civil time of one zone.
//
// A window opens on certain weekdays, perhaps only in certain weeks of the month, at a time of day,
// and stays open for a fixed time: an hour is an hour on the night when clocks change, too. On
// excepted days none opens; one that opened the day before stays open. Pure; texts are foreign.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time_zone.h"

namespace cube {

struct WindowRule {
  std::uint8_t weekdays = 0;  // bit 0: Monday, ... bit 6: Sunday
  std::uint8_t weeks = 0;     // bits 0..4: its first to fifth in the month, bit 5: its last; 0: all
  Seconds opens = 0;          // after midnight, by the clock on the wall
  Seconds length = 0;         // 10 minutes to 7 days

  friend bool operator==(const WindowRule&, const WindowRule&) = default;
};

// "[WEEKS] DAYS HH:MM +LENGTH": "Sat,Sun 02:00 +4h", "1st,3rd Tue 22:30 +90m", "last Sun 03:00
// +1d", "Mon-Fri 01:00 +2h", "daily 01:00 +2h". Errors: invalid.
[[nodiscard]] Result<WindowRule> parse_window(std::string_view text);

// First and last, both included, as numbers of days.
struct DayRange {
  std::int64_t first = 0, last = 0;
};
// "2026-12-24" or "2026-12-20..2027-01-06". Errors: invalid.
[[nodiscard]] Result<DayRange> parse_days(std::string_view text);

// From `begin` on, up to but without `end`.
struct Opening {
  UnixSeconds begin = 0, end = 0;

  friend bool operator==(const Opening&, const Opening&) = default;
};

class MaintenanceWindows {
 public:
  MaintenanceWindows(std::vector<WindowRule> rules, std::vector<DayRange> exceptions, TimeZone zone)
      : rules_(std::move(rules)), exceptions_(std::move(exceptions)), zone_(std::move(zone)) {}

  [[nodiscard]] bool none() const { return rules_.empty(); }
  [[nodiscard]] const TimeZone& zone() const { return zone_; }
  // The opening that `now` is in, the one that ends last if there are several; otherwise the next;
  // nullopt: none within 400 days.
  [[nodiscard]] std::optional<Opening> next(UnixSeconds now) const;

 private:
  [[nodiscard]] bool opens_on(const WindowRule& rule, std::int64_t day) const;

  std::vector<WindowRule> rules_;
  std::vector<DayRange> exceptions_;
  TimeZone zone_;
};

}  // namespace cube
