#include "insight/fit/sbat.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "base/little_endian.h"
#include "insight/inventory/inventory.h"

namespace cube::insight {
namespace {

constexpr std::size_t max_components = 500;

Error wrong(const std::string& why) {
  return {Errc::corrupt, "SBAT: " + why};
}

struct Line {
  SbatComponent component;
  std::string third;  // a date, or the maker
};

// Up to the first NUL; sections are filled up with them.
Result<std::vector<Line>> lines_of(std::string_view text) {
  if (text.size() > max_sbat_bytes) return wrong("is too long");
  text = text.substr(0, text.find('\0'));
  std::vector<Line> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const auto first = line.find(',');
    if (first == std::string_view::npos || first == 0) return wrong("a line names no component");
    const auto second = std::min(line.find(',', first + 1), line.size());
    const auto number = line.substr(first + 1, second - first - 1);
    Line made;
    made.component.name = readable(line.substr(0, first));
    const auto* number_end = number.data() + number.size();
    const auto read = std::from_chars(number.data(), number_end, made.component.generation);
    if (read.ec != std::errc{} || read.ptr != number_end)
      return wrong(made.component.name + " has no generation");
    if (second < line.size()) {
      const auto rest = line.substr(second + 1);
      made.third = readable(rest.substr(0, rest.find(',')));
    }
    if (lines.size() == max_components) return wrong("has too many lines");
    lines.push_back(std::move(made));
  }
  return lines;
}

}  // namespace

Result<std::vector<SbatComponent>> parse_sbat(std::string_view section) {
  CUBE_TRY(const auto lines, lines_of(section));
  if (lines.empty()) return wrong("is empty");
  std::vector<SbatComponent> found;
  for (const auto& line : lines) found.push_back(line.component);
  return found;
}

Result<SbatLevel> parse_sbat_level(std::string_view text) {
  CUBE_TRY(const auto lines, lines_of(text));
  SbatLevel level;
  for (const auto& line : lines) {
    if (line.component.name == "sbat") level.date = line.third;
    level.least.push_back(line.component);
  }
  return level;
}

// A version of four bytes, 0; then where each of the two texts begins, counted from byte 4; each
// ends with a NUL.
Result<ShimLevels> parse_shim_levels(std::string_view section) {
  constexpr std::size_t header = 12, base = 4;
  if (section.size() < header) return wrong(".sbatlevel is too short");
  if (number_at(section, 0, 4) != 0) return wrong(".sbatlevel is of a later version");
  const auto text = [&](std::size_t at) -> Result<SbatLevel> {
    const auto begin = base + number_at(section, at, 4);
    if (begin < header || begin >= section.size())
      return wrong(".sbatlevel names a text outside of it");
    return parse_sbat_level(section.substr(begin));
  };
  ShimLevels levels;
  CUBE_TRY(levels.automatic, text(4));
  CUBE_TRY(levels.latest, text(8));
  return levels;
}

std::vector<std::string> too_old(const std::vector<SbatComponent>& program,
                                 const SbatLevel& level) {
  std::vector<std::string> found;
  for (const auto& component : program)
    for (const auto& least : level.least)
      if (component.name == least.name && component.generation < least.generation)
        found.push_back(component.name + " " + std::to_string(component.generation) +
                        ", and at least " + std::to_string(least.generation) + " is wanted");
  return found;
}

}  // namespace cube::insight
