#include "base/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "base/mutation.h"

namespace cube {
namespace {

constexpr int could_not_start = 127;

std::vector<char*> c_strings(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const auto& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<char*> environment_of_child() {
  constexpr std::array<std::string_view, 6> ours{
      "NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC=",
      "LISTEN_PID=",    "LISTEN_FDS=",   "LISTEN_FDNAMES="};
  std::vector<char*> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    bool left_out = false;
    for (const auto& name : ours) left_out = left_out || std::string_view(*entry).starts_with(name);
    if (!left_out) kept.push_back(*entry);
  }
  kept.push_back(nullptr);
  return kept;
}

// In the child, after fork: only what is safe there.
[[noreturn]] void become(char* const* argv, char* const* environment, int output, int handed,
                         pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::setpgid(0, 0);
  const int null = ::open("/dev/null", O_RDONLY);
  // The handed descriptor's number may be one that is still needed, so each is moved up first.
  const int high_output = ::fcntl(output, F_DUPFD, 10);
  const int high_handed = handed >= 0 ? ::fcntl(handed, F_DUPFD, 10) : -1;
  bool good = null >= 0 && high_output >= 0 && ::dup2(null, STDIN_FILENO) >= 0 &&
              ::dup2(high_output, STDOUT_FILENO) >= 0;
  if (handed >= 0) good = good && high_handed >= 0 && ::dup2(high_handed, handed_descriptor) >= 0;
  const auto first = static_cast<unsigned>(handed >= 0 ? handed_descriptor + 1 : handed_descriptor);
  ::close_range(first, ~0U, 0);
  if (!mutated("job-outlives-service")) good = good && ::prctl(PR_SET_PDEATHSIG, SIGTERM) == 0;
  // It may have died between fork and now.
  if (good && ::getppid() == parent) ::execve(argv[0], argv, environment);
  ::_exit(could_not_start);
}

}  // namespace

Result<Child> start_child(const std::vector<std::string>& argv, const Fd& handed) {
  if (argv.empty()) return Error{Errc::bug, "child: no program named"};
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("pipe");
  Child child;
  child.output = Fd(ends[0]);
  const Fd write_end(ends[1]);
  if (::fcntl(child.output.get(), F_SETFL, O_NONBLOCK) != 0) return system_error("pipe");
  const auto arguments = c_strings(argv);
  const auto environment = environment_of_child();
  const pid_t parent = ::getpid();
  child.pid = ::fork();
  if (child.pid < 0) return system_error("start " + argv[0]);
  if (child.pid == 0)
    become(arguments.data(), environment.data(), write_end.get(), handed.get(), parent);
  return child;
}

}  // namespace cube
