// The same work for many things, on several threads.
#pragma once

#include <cstddef>
#include <functional>

#include "base/result.h"

namespace cube {

// Calls work(thread, i) for every i below `count`, each once; `thread` is below `threads`. After an
// error no new work begins. `tell` is called in the caller's thread. Errors: those of `work`, of
// run_workers().
Status in_parallel(unsigned threads, std::size_t count,
                   const std::function<Status(unsigned thread, std::size_t i)>& work,
                   const std::function<void(std::size_t done)>& tell);

}  // namespace cube
