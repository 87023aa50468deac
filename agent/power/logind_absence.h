// Told by an error of the bus: that there is no logind, and that none can be started.
#pragma once

namespace cube {

// `error_name`: of a call to logind, or nullptr. Not told so by one that is there and does not
// answer, or that cannot be started just now.
[[nodiscard]] bool tells_logind_is_absent(const char* error_name);

}  // namespace cube
