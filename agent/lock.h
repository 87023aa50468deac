// One updater at a time on a machine: an flock on RUN/cube-update/lock. The kernel drops it when the
// holder dies, so there is no stale lock.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

// Long enough for those who hold it for an instant: `status`, and the watch of a trial.
inline constexpr int lock_seconds = 5;

// Held as long as the Fd lives. Waits up to `seconds` for the holder to let go.
// In a virtual boot nobody gets it: what runs there changes nothing.
// Errors: busy (somebody holds it), nothing_to_do (a virtual boot), failed.
[[nodiscard]] Result<Fd> take_lock(const RootDir& root, int seconds = lock_seconds);

}  // namespace cube
