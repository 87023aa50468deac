#include "agent/rehearsal/deliberate_failure.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <sstream>
#include <string>
#include <vector>

#include "base/durable_file.h"
#include "base/io.h"
#include "base/log.h"

namespace cube {
namespace {

constexpr const char* features = "usr/lib/cube-update/features";
constexpr std::size_t max_features_bytes = 4096;

Status write_to(const char* path, const std::string& text) {
  const Fd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return system_error(std::string("open ") + path);
  return write_all(file, text);
}

void* spin(void*) {
  for (;;) __asm__ volatile("");
}

// On this processor alone, before all that is not a real-time thread of the same priority.
Status spin_on(int processor) {
  pthread_attr_t how;
  cpu_set_t there;
  CPU_ZERO(&there);
  CPU_SET(static_cast<std::size_t>(processor), &there);
  sched_param priority{};
  priority.sched_priority = ::sched_get_priority_max(SCHED_FIFO);
  ::pthread_attr_init(&how);
  ::pthread_attr_setaffinity_np(&how, sizeof there, &there);
  ::pthread_attr_setinheritsched(&how, PTHREAD_EXPLICIT_SCHED);
  ::pthread_attr_setschedpolicy(&how, SCHED_FIFO);
  ::pthread_attr_setschedparam(&how, &priority);
  pthread_t thread{};
  const int error = ::pthread_create(&thread, &how, spin, nullptr);
  ::pthread_attr_destroy(&how);
  return error == 0 ? ok() : Status(system_error("start a thread that nothing interrupts", error));
}

// On every processor that PID 1 may use; the one that this thread waits on comes last.
Status hang() {
  cpu_set_t all, last;
  if (::sched_getaffinity(1, sizeof all, &all) != 0) return system_error("list the processors");
  std::vector<int> processors;
  for (int processor = 0; processor < CPU_SETSIZE; ++processor)
    if (CPU_ISSET(static_cast<std::size_t>(processor), &all)) processors.push_back(processor);
  CPU_ZERO(&last);
  CPU_SET(static_cast<std::size_t>(processors.back()), &last);
  if (::sched_setaffinity(0, sizeof last, &last) != 0) return system_error("choose a processor");
  // Otherwise the kernel leaves a part of each second to the others.
  CUBE_CHECK(write_to("/proc/sys/kernel/sched_rt_runtime_us", "-1"));
  for (const int processor : processors) CUBE_CHECK(spin_on(processor));
  for (;;) ::pause();
}

}  // namespace

Status SystemFailure::make(Rehearsal how) {
  const std::string told = "cube-update: rehearsal: making a " + std::string(to_string(how));
  // Emergency: any console shows it, and pstore keeps it beside the panic.
  if (auto kept = write_to("/dev/kmsg", "<0>" + told + " on purpose\n"); !kept)
    log(Level::warning, kept.error().what);
  if (how == Rehearsal::hang) return hang();
  if (how != Rehearsal::panic) return Error{Errc::bug, "not a failure that can be made"};
  CUBE_CHECK(write_to("/proc/sysrq-trigger", "c"));
  return Error{Errc::failed, "the kernel was asked to crash (sysrq c), and lives"};
}

Status ScratchFailure::make(Rehearsal how) {
  CUBE_CHECK(root_.make_dirs("run/cube-update"));
  CUBE_CHECK(
      replace_file(root_, "run/cube-update/failed-on-purpose", std::string(to_string(how)) + "\n"));
  ::raise(SIGKILL);
  return Error{Errc::bug, "lives on"};
}

bool rehearses_failures(const RootDir& tree) {
  const auto text = tree.read_file(features, max_features_bytes);
  if (!text) return false;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);)
    if (line == "rehearsal") return true;
  return false;
}

}  // namespace cube
