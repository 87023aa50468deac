// What a TOML text must keep to before toml++ may read it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cube {

// toml++ 3.3 ends the process on a table whose name does not begin like a key, and its behaviour is
// undefined on some names that are not ASCII. `file` is for the message. Errors: invalid (file:line: what).
[[nodiscard]] Status check_table_names(const std::string& file, std::string_view text);

}  // namespace cube
