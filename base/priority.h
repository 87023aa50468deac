// How much of the machine this process asks for when others want it, too.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"

namespace cube {

enum class Priority {
  normal,  // as it was started
  low,     // yields to others, and still gets on beside them
  idle,    // only what nobody else wants: it may starve on a machine that is never idle
};
[[nodiscard]] std::string_view to_string(Priority priority);
[[nodiscard]] std::optional<Priority> parse_priority(std::string_view text);

// Of the calling thread, and of all threads and programs that it starts afterwards. Both only ever
// lower: a process that was started with less keeps it.
// low: SCHED_BATCH with nice 10. idle: SCHED_IDLE. Errors: failed.
Status lower_cpu_priority(Priority priority);
// low: best effort, level 7 of 7. idle: the idle class. The kernel heeds it where the disk's
// scheduler does (bfq, mq-deadline; not "none"). Errors: failed.
Status lower_io_priority(Priority priority);

}  // namespace cube
