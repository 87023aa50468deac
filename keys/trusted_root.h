// The root document that comes with the image and begins the chain of trust.
#pragma once

#include <string>

#include "base/root_dir.h"
#include "keys/metadata.h"

namespace cube {

// A regular file, of which neither it nor its folder may be written by others, that its own keys
// signed. Errors: untrusted, and all others that reading a file has.
Result<Root> read_trusted_root(const RootDir& root, const std::string& path);

}  // namespace cube
