// Names that come from outside (releases, files, refs) before they reach a path, a kernel argument
// or a boot loader variable: [A-Za-z0-9][A-Za-z0-9._+-]{0,127}. Pure.
#pragma once

#include <algorithm>
#include <string_view>

namespace cube {

[[nodiscard]] constexpr bool is_ascii_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

[[nodiscard]] constexpr bool is_safe_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && is_ascii_alnum(name[0]) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_ascii_alnum(c) || c == '.' || c == '_' || c == '+' || c == '-';
         });
}

}  // namespace cube
