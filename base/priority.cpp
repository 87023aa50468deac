#include "base/priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace cube {
namespace {

constexpr int low_nice = 10;
// ioprio_set(2); <linux/ioprio.h> is younger than some kernels' headers that we build with.
constexpr int io_who_process = 1, io_class_shift = 13;
constexpr int io_best_effort = 2, io_idle = 3;
constexpr int lowest_io_level = 7;  // of the best-effort class

constexpr std::array<std::pair<Priority, std::string_view>, 3> names{
    {{Priority::normal, "normal"}, {Priority::low, "low"}, {Priority::idle, "idle"}}};

Status set_policy(int policy) {
  const sched_param none{};
  if (::sched_setscheduler(0, policy, &none) != 0) return system_error("lower the CPU priority");
  return ok();
}

}  // namespace

std::string_view to_string(Priority priority) {
  return names[static_cast<std::size_t>(priority)].second;
}

std::optional<Priority> parse_priority(std::string_view text) {
  for (const auto& [priority, name] : names)
    if (name == text) return priority;
  return std::nullopt;
}

Status lower_cpu_priority(Priority priority) {
  const int policy = ::sched_getscheduler(0);
  if (priority == Priority::normal || policy == SCHED_IDLE) return ok();
  if (priority == Priority::idle) return set_policy(SCHED_IDLE);
  errno = 0;
  const int nice = ::getpriority(PRIO_PROCESS, 0);
  if (nice == -1 && errno != 0) return system_error("read the CPU priority");
  if (::setpriority(PRIO_PROCESS, 0, std::max(nice, low_nice)) != 0)
    return system_error("lower the CPU priority");
  return set_policy(SCHED_BATCH);
}

// The C library has no name for these two calls.
Status lower_io_priority(Priority priority) {
  if (priority == Priority::normal) return ok();
  const long now = ::syscall(SYS_ioprio_get, io_who_process, 0);
  if (now < 0) return system_error("read the I/O priority");
  if ((now >> io_class_shift) == io_idle) return ok();
  const int wanted = priority == Priority::idle
                         ? io_idle << io_class_shift
                         : (io_best_effort << io_class_shift) | lowest_io_level;
  if (::syscall(SYS_ioprio_set, io_who_process, 0, wanted) != 0)
    return system_error("lower the I/O priority");
  return ok();
}

}  // namespace cube
