// What the agent asks of logind: a restart as a person would ask for it, which those hear of who
// delay shutdowns, and who is logged in.
#pragma once

#include "base/result.h"

namespace cube {

// Asks and returns. Root is not held up by locks of mode "block": what those hold back is told
// before (agent/power/shutdown_locks.h). Bounded to 15 s.
// Errors: not_found (no bus, or no logind), failed.
Status ask_logind_to_reboot();

}  // namespace cube
