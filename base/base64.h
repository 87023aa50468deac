// Base64 (RFC 4648, 4): with its padding, on one line. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cube {

[[nodiscard]] std::string base64(std::string_view bytes);
// Exactly what base64() gives for some bytes. Errors: corrupt.
[[nodiscard]] Result<std::string> from_base64(std::string_view text);

}  // namespace cube
