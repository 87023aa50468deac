// The same work for many things, on several threads.
#pragma once

#include <cstddef>
#include <functional>

#include "base/result.h"

namespace cube {

// Calls work(thread, i) for every i below `count`, each once; `thread` is below `threads`, and 0 is
// the caller's. After an error no new work begins. Errors: those of `work`: of several that of the
// lowest i; failed (no thread).
Status in_parallel(unsigned threads, std::size_t count,
                   const std::function<Status(unsigned thread, std::size_t i)>& work);

}  // namespace cube
