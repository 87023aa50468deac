// Files in which drafts are carried from one holder of a key to the next.
#pragma once

#include <string>

#include "base/result.h"
#include "release/cli/commands.h"

namespace cube::publish_cli {

// Errors: not_found, corrupt (too large), failed.
Result<std::string> read_draft(const std::string& file);
// Writes a new one and tells what to do with it; the exit code. Errors: refused (a file that is
// there), no_space, failed.
Result<int> write_draft(const Common& common, const std::string& file, const std::string& text);

}  // namespace cube::publish_cli
