// This machine's turns at the FleetLock that its configuration names.
#pragma once

#include "agent/config.h"
#include "agent/fleet/lock_turn.h"
#include "base/root_dir.h"

namespace cube::fleet {

// With fleet.lock-url only. Asks nobody yet. `root` outlives it. Errors: invalid (the
// configuration; no id for this machine).
[[nodiscard]] Result<LockTurn> lock_turn_of(const RootDir& root, const Config& config);

}  // namespace cube::fleet
