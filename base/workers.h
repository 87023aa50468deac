// Several threads on one piece of work, and a caller that tells how far they are.
#pragma once

#include <atomic>
#include <functional>

#include "base/result.h"

namespace cube {

// Asks the other workers, and itself, to end early.
using StopFlag = std::atomic<bool>;

// As many threads as the machine has cores, at least 1 and at most `most`.
[[nodiscard]] unsigned worker_count(unsigned most);

// Runs `work` in `count` threads; `tell` is called in the caller's thread about every 100 ms until
// all have ended. The first error is the result, and sets the flag that `work` has to look at.
// With fewer threads than asked for, should the system refuse them. Errors: failed (not one
// thread), those of `work`.
Status run_workers(unsigned count, const std::function<Status(StopFlag& stop)>& work,
                   const std::function<void()>& tell);

}  // namespace cube
