// What one release changes against another, for people: a screen of text, and a page for those who
// decide. What can hurt comes first in both.
#pragma once

#include <string>

#include "insight/difference.h"

namespace cube {

// What is compared, as the reader called it.
struct Compared {
  std::string from, to;
};

// Of long lists the first 20, and how many more there are.
[[nodiscard]] std::string difference_text(const insight::Difference& found, const Compared& names);
// HTML, one file without scripts or anything from elsewhere, for bright and dark screens. Lists are
// whole.
[[nodiscard]] std::string difference_page(const insight::Difference& found, const Compared& names);
// The text of an element or attribute.
[[nodiscard]] std::string html_text(const std::string& text);

}  // namespace cube
