// file:///PATH and back: one spelling for libcurl's users, libostree and messages. Pure.
#pragma once

#include <string>

#include "base/result.h"

namespace cube {

// The URL of an absolute path: "/media/USB DISK" is "file:///media/USB%20DISK".
[[nodiscard]] std::string file_url(const std::string& path);

// The absolute path of a file:///PATH URL, its escapes decoded.
// Errors: invalid (another form, a host, an escape that is none or is a NUL).
Result<std::string> path_of_file_url(const std::string& url);

}  // namespace cube
