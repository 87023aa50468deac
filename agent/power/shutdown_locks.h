// Who blocks a shutdown of the running system, as logind lists them.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace cube {

// "WHO (user UID): WHY" for each lock of mode "block" on "shutdown"; foreign texts. None where
// there is no system bus or no logind (or it is masked): nobody can have taken a lock there.
// Bounded to 10 s.
// Errors: failed (logind is there, and does not answer).
[[nodiscard]] Result<std::vector<std::string>> shutdown_locks();

}  // namespace cube
