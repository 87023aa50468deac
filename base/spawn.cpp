#include "base/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string_view>

#include "base/cgroup.h"
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

struct Pipe {
  Fd read, write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

// All that the child needs, made before the fork: after it, only system calls are allowed.
struct Launch {
  std::string program;
  std::vector<char*> argv, environment;
  int output = -1;   // of the child
  int failure = -1;  // where it says why it could not be started
  int cgroup = -1;   // Cgroup::joining(), or -1
};

// In the child; does not return. What may be ignored: without a cgroup it still has its process
// group.
[[noreturn]] void become(const Launch& launch) {
  ::setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP})
    ::sigaction(signal, &standard, nullptr);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (launch.cgroup >= 0) {
    const auto joined = ::syscall(SYS_write, launch.cgroup, "0", 1);
    static_cast<void>(joined);
  }
  const int input = ::open("/dev/null", O_RDONLY);
  const bool ready = input >= 0 && ::dup2(input, STDIN_FILENO) >= 0 &&
                     ::dup2(launch.output, STDOUT_FILENO) >= 0 &&
                     ::dup2(launch.output, STDERR_FILENO) >= 0;
  if (input > STDERR_FILENO) ::close(input);
  if (ready) ::execve(launch.program.c_str(), launch.argv.data(), launch.environment.data());
  const int error = errno;
  const auto told = ::write(launch.failure, &error, sizeof error);
  static_cast<void>(told);
  ::_exit(127);
}

Result<Child> start(const std::vector<std::string>& argv, const SpawnOptions& options,
                    const std::optional<Cgroup>& cgroup) {
  CUBE_TRY(Pipe output, make_pipe());
  CUBE_TRY(Pipe failure, make_pipe());
  const Launch launch{find_program(argv[0], options.environment),
                      c_strings(argv),
                      c_strings(options.environment),
                      output.write.get(),
                      failure.write.get(),
                      cgroup ? cgroup->joining() : -1};
  Child child;
  child.pid = ::fork();
  if (child.pid < 0) return system_error("start " + argv[0]);
  if (child.pid == 0) become(launch);
  ::setpgid(child.pid, child.pid);  // whoever is first
  failure.write.reset();
  int error = 0;
  ssize_t count = 0;
  do {
    count = ::read(failure.read.get(), &error, sizeof error);
  } while (count < 0 && errno == EINTR);
  if (count == sizeof error) {  // it closes without a word when the program runs
    ::waitpid(child.pid, nullptr, 0);
    return system_error("start " + argv[0], error);
  }
  child.output = std::move(output.read);
  return child;
}

// Of too much either the beginning or the end stays.
void keep(std::string& output, std::string_view more, const SpawnOptions& options) {
  if (!options.keep_end) {
    const auto room = options.max_output - std::min(options.max_output, output.size());
    output.append(more.substr(0, room));
    return;
  }
  output.append(more);
  if (output.size() > 2 * options.max_output) output.erase(0, output.size() - options.max_output);
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
      keep(output, std::string_view(buffer.data(), static_cast<std::size_t>(count)), options);
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
  std::optional<Cgroup> cgroup;
  if (options.contained) {
    if (auto made = Cgroup::make()) cgroup.emplace(std::move(*made));
  }
  CUBE_TRY(const Child child, start(argv, options, cgroup));
  const auto end = std::chrono::steady_clock::now() + options.timeout;
  SpawnOutcome outcome;
  outcome.timed_out = collect(child, options, end, outcome.output);
  // A program may close its output early and run on: it has until the deadline, too.
  siginfo_t info{};
  while (!outcome.timed_out &&
         ::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid != child.pid) {
    ::usleep(10000);
    outcome.timed_out = std::chrono::steady_clock::now() >= end;
  }
  ::kill(-child.pid, SIGKILL);
  if (cgroup) cgroup->kill_all();
  int status = 0;
  while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (outcome.output.size() > options.max_output)
    outcome.output.erase(0, outcome.output.size() - options.max_output);
  return outcome;
}

}  // namespace cube
