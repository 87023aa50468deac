#include "base/clock.h"

#include <ctime>

#include <charconv>
#include <chrono>
#include <cstdio>

namespace cube {
namespace {

// Two or four digits at `at`; -1 when not digits.
int digits(const std::string& text, std::size_t at, std::size_t count) {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

UnixSeconds SystemClock::now() const { return ::time(nullptr); }

Seconds SystemClock::uptime() const {
  const auto text = root_.read_file("proc/uptime", 256);
  Seconds seconds = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), seconds);
  return seconds;
}

std::string format_utc(UnixSeconds time) {
  using namespace std::chrono;
  const sys_seconds point{seconds{time}};
  const auto day = floor<days>(point);
  const year_month_day date{day};
  const hh_mm_ss<seconds> clock{point - day};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

Result<UnixSeconds> parse_utc(const std::string& text) {
  using namespace std::chrono;
  const Error wrong{Errc::invalid, "not a UTC time like 2026-11-25T20:55:00Z"};
  if (text.size() != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
      text[13] != ':' || text[16] != ':' || text[19] != 'Z')
    return wrong;
  const int year_number = digits(text, 0, 4), month_number = digits(text, 5, 2),
            day_number = digits(text, 8, 2), hour = digits(text, 11, 2),
            minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (year_number < 0 || month_number < 0 || day_number < 0 || hour < 0 || minute < 0 || second < 0)
    return wrong;
  const year_month_day date{year{year_number}, month{static_cast<unsigned>(month_number)},
                            day{static_cast<unsigned>(day_number)}};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return wrong;
  return sys_days{date}.time_since_epoch() / seconds{1} + hour * 3600 + minute * 60 + second;
}

}  // namespace cube
