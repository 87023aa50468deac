// Unpacks a tar of unknown origin into a folder that is ours alone.
#pragma once

#include <string>

#include "base/result.h"

namespace cube {

// At most 2,000,000 members and 64 GiB. Members must stay inside the folder: no absolute paths, no
// "..", no writing through links. Errors: invalid (names the member), no_space, failed.
Status unpack_tar(const std::string& file, const std::string& folder);

}  // namespace cube
