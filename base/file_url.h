// Names as parts of a URL, and file:///PATH and back: one spelling for libcurl's users, libostree,
// files and messages. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cube {

// The URL of an absolute path: "/media/USB DISK" is "file:///media/USB%20DISK".
[[nodiscard]] std::string file_url(const std::string& path);

// For a URL, or for the name of a file: every byte but letters, digits, "-._~" and those in `keep`
// as %XX.
[[nodiscard]] std::string percent_encoded(std::string_view name, std::string_view keep = "");

// The absolute path of a file:///PATH URL, its escapes decoded.
// Errors: invalid (another form, a host, an escape that is none or is a NUL).
Result<std::string> path_of_file_url(const std::string& url);

}  // namespace cube
