// A file that a command is asked to write.
#pragma once

#include <string>

#include "base/result.h"

namespace cube::cli {

// The old file or the new one, whole, whoever reads it meanwhile and whatever happens. Its name
// while it is written, ".NAME.new", is none that collectors or web servers show. `option` is named
// in an error. Errors: invalid (no such folder), no_space, failed.
Status write_whole(const std::string& option, const std::string& file, const std::string& text);

}  // namespace cube::cli
