// Text from anywhere in an HTML page. Pure.
#pragma once

#include <string>
#include <string_view>

namespace cube::cli {

inline constexpr std::size_t max_shown = 200;  // bytes

// Characters of a text or of an attribute in double quotes, and nothing else: at most `most` bytes
// of it (then "..."), '?' for what is not printable ASCII, and no character that means something in
// HTML.
[[nodiscard]] std::string html(std::string_view foreign, std::size_t most = max_shown);

}  // namespace cube::cli
