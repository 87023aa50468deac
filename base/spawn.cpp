#include "base/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "base/fd.h"

namespace cube {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

std::vector<char*> c_strings(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const auto& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// The first executable of that name in the PATH entry of the environment.
std::string find_program(const std::string& name, const std::vector<std::string>& environment) {
  if (name.find('/') != std::string::npos) return name;
  for (const auto& entry : environment) {
    if (!entry.starts_with("PATH=")) continue;
    std::size_t start = 5;
    while (start <= entry.size()) {
      const auto end = std::min(entry.find(':', start), entry.size());
      std::string path = entry.substr(start, end - start) + "/" + name;
      if (::access(path.c_str(), X_OK) == 0) return path;
      start = end + 1;
    }
  }
  return name;
}

struct Child {
  pid_t pid = -1;
  Fd output;
};

Result<Child> start(const std::vector<std::string>& argv, const SpawnOptions& options) {
  std::array<int, 2> pipe_ends{};
  if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return system_error("pipe");
  Fd read_end(pipe_ends[0]);
  Fd write_end(pipe_ends[1]);

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);

  Child child;
  const int error = ::posix_spawn(&child.pid, find_program(argv[0], options.environment).c_str(),
                                  &actions, &attributes, c_strings(argv).data(),
                                  c_strings(options.environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return system_error("start " + argv[0], error);
  child.output = std::move(read_end);
  return child;
}

// Reads until the program closes its output or the time is up. True when the time was up.
bool collect(const Child& child, const SpawnOptions& options, SteadyTime end, std::string& output) {
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return true;
    pollfd ready{child.output.get(), POLLIN, 0};
    // Wakes every 200 ms: a background process may keep the pipe open after the program ended.
    const int events = ::poll(&ready, 1, static_cast<int>(std::min<long>(left.count(), 200)));
    if (events > 0) {
      const auto count = ::read(child.output.get(), buffer.data(), buffer.size());
      if (count <= 0) return false;
      const auto room = options.max_output - std::min(options.max_output, output.size());
      output.append(buffer.data(), std::min(room, static_cast<std::size_t>(count)));
    } else {
      siginfo_t info{};
      if (::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
          info.si_pid == child.pid)
        return false;
    }
  }
}

}  // namespace

Result<SpawnOutcome> spawn(const std::vector<std::string>& argv, const SpawnOptions& options) {
  if (argv.empty()) return Error{Errc::bug, "spawn: no program named"};
  CUBE_TRY(const Child child, start(argv, options));
  const auto end = std::chrono::steady_clock::now() + options.timeout;
  SpawnOutcome outcome;
  outcome.timed_out = collect(child, options, end, outcome.output);
  // A program may close its output early and run on: it has until the deadline, too.
  siginfo_t info{};
  while (!outcome.timed_out && ::waitid(P_PID, static_cast<id_t>(child.pid), &info,
                                        WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid != child.pid) {
    ::usleep(10000);
    outcome.timed_out = std::chrono::steady_clock::now() >= end;
  }
  ::kill(-child.pid, SIGKILL);
  int status = 0;
  while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

}  // namespace cube
