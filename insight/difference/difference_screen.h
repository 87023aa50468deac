// What one release changes against another, for people: a screen of text, and a page for those who
// decide. What can hurt comes first in both, and before it what the machine that compares uses
// right now.
#pragma once

#include <cstddef>
#include <string>

#include "insight/difference/difference.h"
#include "insight/difference/machine_use.h"

namespace cube::insight {

// What is compared, as the reader called it.
struct Compared {
  std::string from, to;
};

inline constexpr std::size_t shown_rows = 20;  // of a list on a screen

// `here` is what concerns this machine; nullptr: it is compared for others. Of each list the first
// `rows`, and how many more there are; of what concerns this machine all.
[[nodiscard]] std::string difference_text(const Difference& found, const Compared& names,
                                          const Here* here = nullptr,
                                          std::size_t rows = shown_rows);
// HTML, one file without scripts or anything from elsewhere, for bright and dark screens. Lists are
// whole.
[[nodiscard]] std::string difference_page(const Difference& found, const Compared& names,
                                          const Here* here = nullptr);
// The text of an element or attribute.
[[nodiscard]] std::string html_text(const std::string& text);

}  // namespace cube::insight
