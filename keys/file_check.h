// Whether received bytes are the ones that a signed document describes.
#pragma once

#include <string>

#include "keys/metadata.h"

namespace cube {

// Ok when length and hashes are the signed ones, as far as any are signed. `name` is for the
// message. Errors: corrupt.
Status check_content(const std::string& text, const MetaFile& expected, const std::string& name);
// A target's description in the same terms; its version means nothing.
[[nodiscard]] MetaFile described(const TargetFile& file);

}  // namespace cube
