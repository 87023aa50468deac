#include "base/time_zone.h"

#include <date/tz.h>

#include <chrono>
#include <cstdio>
#include <exception>

namespace cube {

struct TimeZone::Zone {
  const date::time_zone* rules;
};

namespace {

constexpr std::size_t max_name = 64;
constexpr Seconds day_seconds = 86400;

date::sys_seconds point(UnixSeconds instant) {
  return date::sys_seconds{std::chrono::seconds{instant}};
}

// Two or four digits; -1: others.
int digits(std::string_view text) {
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

Result<TimeZone> TimeZone::find(const std::string& name) {
  if (name.empty() || name.size() > max_name)
    return Error{Errc::invalid, "the name of a time zone has 1 to 64 characters"};
  if (name == "UTC") return utc();
  try {  // the library says so
    return TimeZone(name, std::make_shared<const Zone>(Zone{date::locate_zone(name)}));
  } catch (const std::exception&) {
  }
  try {
    (void)date::locate_zone("Etc/UTC");
  } catch (const std::exception& error) {
    return Error{Errc::failed,
                 std::string("time zones cannot be read (is tzdata installed?): ") + error.what()};
  }
  return Error{Errc::invalid,
               "there is no time zone \"" + name + "\"; names are like Europe/Berlin"};
}

std::int64_t TimeZone::offset(UnixSeconds instant) const {
  return zone_ == nullptr ? 0 : zone_->rules->get_info(point(instant)).offset.count();
}

CivilTime TimeZone::civil(UnixSeconds instant) const {
  const auto local = instant + offset(instant);
  const auto day = local >= 0 ? local / day_seconds : -((day_seconds - 1 - local) / day_seconds);
  return {day, local - day * day_seconds};
}

UnixSeconds TimeZone::instant(const CivilTime& civil) const {
  const Seconds seconds = civil.day * day_seconds + civil.second;
  if (zone_ == nullptr) return seconds;
  const auto info = zone_->rules->get_info(date::local_seconds{std::chrono::seconds{seconds}});
  if (info.result == date::local_info::nonexistent)
    return info.second.begin.time_since_epoch().count();
  return seconds - info.first.offset.count();
}

std::string TimeZone::format(UnixSeconds instant) const {
  const auto local = format_utc(instant + offset(instant));  // shifted: only its form is wanted
  return local.substr(0, 10) + " " + local.substr(11, 5) + " " +
         (zone_ == nullptr ? name_ : zone_->rules->get_info(point(instant)).abbrev);
}

Result<std::int64_t> parse_day(std::string_view text) {
  using namespace std::chrono;
  const Error wrong{Errc::invalid, "\"" + std::string(text) + "\" is no day like 2026-11-25"};
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return wrong;
  const int year_number = digits(text.substr(0, 4)), month_number = digits(text.substr(5, 2)),
            day_number = digits(text.substr(8, 2));
  if (year_number < 1970 || month_number < 0 || day_number < 0) return wrong;
  const year_month_day date{year{year_number}, month{static_cast<unsigned>(month_number)},
                            day{static_cast<unsigned>(day_number)}};
  if (!date.ok()) return wrong;
  return sys_days{date}.time_since_epoch().count();
}

Result<Seconds> parse_time_of_day(std::string_view text) {
  const Error wrong{Errc::invalid, "\"" + std::string(text) + "\" is no time like 21:55"};
  if (text.size() != 5 || text[2] != ':') return wrong;
  const int hour = digits(text.substr(0, 2)), minute = digits(text.substr(3, 2));
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return wrong;
  return hour * 3600 + minute * 60;
}

}  // namespace cube
