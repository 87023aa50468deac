#include "model/fleet/duration.h"

#include <array>

namespace cube::fleet {
namespace {

struct Part {
  char letter;
  bool of_time;  // after the "T"
  Seconds seconds;
};
constexpr std::array<Part, 4> parts{
    {{'D', false, 86400}, {'H', true, 3600}, {'M', true, 60}, {'S', true, 1}}};
constexpr std::size_t max_digits = 9;

Error no_duration(std::string_view text) {
  return {Errc::invalid, "\"" + std::string(text.substr(0, 40)) +
                             "\" is no duration like \"P3D\" or \"PT90M\", of at most ten years"};
}

}  // namespace

Result<Seconds> parse_duration(std::string_view text) {
  std::string_view rest = text;
  if (!rest.starts_with('P')) return no_duration(text);
  rest.remove_prefix(1);
  Seconds total = 0;
  bool time = false;
  std::size_t next = 0;  // of `parts`
  while (!rest.empty()) {
    if (rest.front() == 'T' && !time) {
      time = true;
      rest.remove_prefix(1);
    }
    std::size_t digits = 0;
    Seconds number = 0;
    for (; digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9'; ++digits) {
      if (digits == max_digits) return no_duration(text);
      number = number * 10 + (rest[digits] - '0');
    }
    if (digits == 0 || digits == rest.size()) return no_duration(text);
    while (next < parts.size() &&
           (parts[next].letter != rest[digits] || parts[next].of_time != time))
      ++next;
    if (next == parts.size()) return no_duration(text);
    total += number * parts[next].seconds;
    if (total > longest_duration) return no_duration(text);
    ++next;
    rest.remove_prefix(digits + 1);
  }
  if (next == 0) return no_duration(text);  // "P", "PT"
  return total;
}

std::string format_duration(Seconds duration) {
  for (const auto& part : parts)
    if (duration != 0 && duration % part.seconds == 0)
      return (part.of_time ? "PT" : "P") + std::to_string(duration / part.seconds) + part.letter;
  return "PT0S";
}

}  // namespace cube::fleet
