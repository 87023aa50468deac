// A folder that another process handed over open, as the place "/proc/self/fd/N". It has no name
// that would mean the same to another process, or later.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace cube {

// Such a place, or one below it, as a path or as a file URL.
[[nodiscard]] bool is_handed_over(const std::string& place);

// Opens a file below it; links in the folder lead nowhere else. `path` is one for which
// is_handed_over() is true. Errors: not_found, failed.
[[nodiscard]] Result<Fd> open_handed_over(const std::string& path, int flags);

}  // namespace cube
