// TimeZone: the civil time of one zone, by the system's tzdata; UTC needs none. A value; cheap to
// copy.
//
// Where clocks are set forward, a time that is skipped means the first instant after the gap; where
// they are set back, a time that comes twice means its first. Valid for years 1970 to 2500.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace cube {

// A day as the number of days since 1970-01-01 in the zone, and the seconds since its midnight as a
// clock on the wall shows them.
struct CivilTime {
  std::int64_t day = 0;
  Seconds second = 0;  // 0..86399

  friend bool operator==(const CivilTime&, const CivilTime&) = default;
};

class TimeZone {
 public:
  // "UTC", "Europe/Berlin". Errors: invalid (no such zone), failed (no tzdata).
  static Result<TimeZone> find(const std::string& name);
  static TimeZone utc() { return {"UTC", nullptr}; }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] CivilTime civil(UnixSeconds instant) const;
  [[nodiscard]] UnixSeconds instant(const CivilTime& civil) const;
  // "2026-11-25 21:55 CET".
  [[nodiscard]] std::string format(UnixSeconds instant) const;

 private:
  struct Zone;  // the library's
  [[nodiscard]] std::int64_t offset(UnixSeconds instant) const;
  TimeZone(std::string name, std::shared_ptr<const Zone> zone)
      : name_(std::move(name)), zone_(std::move(zone)) {}

  std::string name_;
  std::shared_ptr<const Zone> zone_;  // nullptr: UTC
};

// "2026-11-25" as the number of its day. Errors: invalid.
[[nodiscard]] Result<std::int64_t> parse_day(std::string_view text);
// "21:55" as seconds since midnight. Errors: invalid.
[[nodiscard]] Result<Seconds> parse_time_of_day(std::string_view text);

}  // namespace cube
