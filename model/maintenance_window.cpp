#include "model/maintenance_window.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::array<std::string_view, 7> day_names{"Mon", "Tue", "Wed", "Thu",
                                                    "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 6> week_names{"1st", "2nd", "3rd", "4th", "5th", "last"};
constexpr Seconds shortest = 600, longest = 7 * 86400;
constexpr std::int64_t days_ahead = 400;

Error wrong(std::string_view text, const std::string& why) {
  return {Errc::invalid, "\"" + std::string(text) + "\" is no maintenance window: " + why +
                             "; write it like \"Sat,Sun 02:00 +4h\" or \"2nd Tue 22:30 +90m\""};
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

template <std::size_t count>
std::optional<unsigned> index_in(const std::array<std::string_view, count>& names,
                                 std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<unsigned>(found - names.begin());
}

std::optional<std::uint8_t> weeks_of(std::string_view text) {
  unsigned weeks = 0;
  for (const auto part : split(text, ',')) {
    const auto week = index_in(week_names, part);
    if (!week) return std::nullopt;
    weeks |= 1U << *week;
  }
  return static_cast<std::uint8_t>(weeks);
}

// "Mon", "Fri-Mon", "Sat,Sun", "daily".
std::optional<std::uint8_t> weekdays_of(std::string_view text) {
  if (text == "daily") return std::uint8_t{0x7f};
  unsigned days = 0;
  for (const auto part : split(text, ',')) {
    const auto ends = split(part, '-');
    const auto first = index_in(day_names, ends.front()), last = index_in(day_names, ends.back());
    if (!first || !last || ends.size() > 2) return std::nullopt;
    for (unsigned day = *first;; day = (day + 1) % 7) {
      days |= 1U << day;
      if (day == *last) break;
    }
  }
  return static_cast<std::uint8_t>(days);
}

// "+90m", "+4h", "+2d".
std::optional<Seconds> length_of(std::string_view text) {
  if (text.size() < 3 || text.size() > 6 || text.front() != '+') return std::nullopt;
  const char unit = text.back();
  const Seconds unit_seconds = unit == 'm' ? 60 : unit == 'h' ? 3600 : unit == 'd' ? 86400 : 0;
  Seconds number = 0;
  for (const char c : text.substr(1, text.size() - 2)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  const Seconds length = number * unit_seconds;
  if (length < shortest || length > longest) return std::nullopt;
  return length;
}

std::chrono::year_month_day date_of(std::int64_t day) {
  return std::chrono::sys_days{std::chrono::days{day}};
}

}  // namespace

Result<WindowRule> parse_window(std::string_view text) {
  std::vector<std::string_view> words;
  if (text.size() <= 128)
    for (const auto word : split(text, ' '))
      if (!word.empty()) words.push_back(word);
  if (words.size() != 3 && words.size() != 4) return wrong(text, "not three or four words");
  WindowRule rule;
  if (words.size() == 4) {
    const auto weeks = weeks_of(words.front());
    if (!weeks) return wrong(text, "weeks are 1st, 2nd, 3rd, 4th, 5th and last");
    rule.weeks = *weeks;
    words.erase(words.begin());
  }
  const auto weekdays = weekdays_of(words[0]);
  if (!weekdays) return wrong(text, "days are Mon to Sun, or daily");
  rule.weekdays = *weekdays;
  const auto opens = parse_time_of_day(words[1]);
  if (!opens) return wrong(text, opens.error().what);
  rule.opens = *opens;
  const auto length = length_of(words[2]);
  if (!length) return wrong(text, "its length is from +10m to +7d, in m, h or d");
  rule.length = *length;
  return rule;
}

Result<DayRange> parse_days(std::string_view text) {
  const auto dots = text.find("..");
  CUBE_TRY(const auto first, parse_day(text.substr(0, dots)));
  if (dots == std::string_view::npos) return DayRange{first, first};
  CUBE_TRY(const auto last, parse_day(text.substr(dots + 2)));
  if (last < first)
    return Error{Errc::invalid, "\"" + std::string(text) + "\" ends before it begins"};
  return DayRange{first, last};
}

bool MaintenanceWindows::opens_on(const WindowRule& rule, std::int64_t day) const {
  // 1970-01-01 was a Thursday.
  const auto weekday = static_cast<unsigned>(((day + 3) % 7 + 7) % 7);
  if ((rule.weekdays & (1U << weekday)) == 0) return false;
  const bool excepted =
      std::any_of(exceptions_.begin(), exceptions_.end(),
                  [&](const DayRange& range) { return range.first <= day && day <= range.last; });
  if (excepted && !mutated("window-exceptions-ignored")) return false;
  if (rule.weeks == 0) return true;
  const auto week = (static_cast<unsigned>(date_of(day).day()) - 1) / 7;
  const bool last = date_of(day + 7).month() != date_of(day).month();
  return (rule.weeks & (1U << week)) != 0 || (last && (rule.weeks & (1U << 5)) != 0);
}

std::optional<Opening> MaintenanceWindows::next(UnixSeconds now) const {
  const auto today = zone_.civil(now).day;
  std::optional<Opening> open, coming;
  // The longest window may have opened a week ago.
  for (auto day = today - 8; day <= today + days_ahead && !coming; ++day) {
    for (const auto& rule : rules_) {
      if (!opens_on(rule, day)) continue;
      const auto begin = zone_.instant({day, rule.opens});
      const Opening opening{begin, begin + rule.length};
      if (opening.end <= now) continue;
      if (begin <= now && (!open || opening.end > open->end)) open = opening;
      if (begin > now && (!coming || begin < coming->begin)) coming = opening;
    }
  }
  return open ? open : coming;
}

}  // namespace cube
