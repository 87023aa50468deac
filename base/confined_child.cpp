#include "base/confined_child.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "base/mutation.h"

namespace cube {
namespace {

constexpr uid_t nobody = 65534;  // on every system with systemd, and most others
// ioprio_set(2): this process, the idle class.
constexpr int io_who_process = 1, io_idle = 3 << 13;
// As Priority::low: beside a machine that is never idle it still gets on.
constexpr int low_nice = 10;

// All that the child needs, made before the fork: after it, only system calls are allowed.
struct Launch {
  std::vector<char*> argv;
  std::array<char*, 3> environment{};
  std::vector<int> handed;
  int output = -1;
  int failure = -1;  // where it says why it could not be started
  int cgroup = -1;
  bool root = false;
  bool has_group = false;
  gid_t group = 0;
  rlimit memory{};
  pid_t parent = -1;
};

// What may fail without harm: each only makes it politer.
void yield_to_all(const Launch& launch) {
  if (::getpriority(PRIO_PROCESS, 0) < low_nice) ::setpriority(PRIO_PROCESS, 0, low_nice);
  const sched_param batch{};
  ::sched_setscheduler(0, SCHED_BATCH, &batch);
  ::syscall(SYS_ioprio_set, io_who_process, 0, io_idle);
  if (launch.cgroup >= 0) {
    const auto joined = ::syscall(SYS_write, launch.cgroup, "0", 1);
    static_cast<void>(joined);
  }
  const int victim = ::open("/proc/self/oom_score_adj", O_WRONLY);
  const auto told = ::syscall(SYS_write, victim, "1000", 4);
  static_cast<void>(told);
}

// 3, 4, ...: each is moved up first, for its number may be one that is still needed.
bool take_descriptors(const Launch& launch, std::array<int, 64>& high) {
  const int room = first_handed + static_cast<int>(launch.handed.size()) + 8;
  const int null = ::open("/dev/null", O_RDONLY);
  const int output = ::fcntl(launch.output, F_DUPFD, room);
  const int failure = ::fcntl(launch.failure, F_DUPFD, room);
  if (null < 0 || output < 0 || failure < 0) return false;
  for (std::size_t i = 0; i < launch.handed.size(); ++i) {
    high[i] = ::fcntl(launch.handed[i], F_DUPFD, room);
    if (high[i] < 0) return false;
  }
  for (std::size_t i = 0; i < launch.handed.size(); ++i)
    if (::dup2(high[i], first_handed + static_cast<int>(i)) < 0) return false;
  // The last one tells of a failure, and is gone when the program runs.
  const int last = first_handed + static_cast<int>(launch.handed.size());
  return ::dup2(null, STDIN_FILENO) >= 0 && ::dup2(output, STDOUT_FILENO) >= 0 &&
         ::dup2(output, STDERR_FILENO) >= 0 && ::dup2(failure, last) >= 0 &&
         ::fcntl(last, F_SETFD, FD_CLOEXEC) == 0 &&
         ::close_range(static_cast<unsigned>(last) + 1, ~0U, 0) == 0;
}

bool give_up_privileges(const Launch& launch) {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return false;
  if (launch.memory.rlim_cur > 0 && ::setrlimit(RLIMIT_AS, &launch.memory) != 0) return false;
  if (launch.root) {
    // Some containers forbid it; the program is then told to use no network, and nothing more.
    ::unshare(CLONE_NEWNET);
    if (::syscall(SYS_setgroups, launch.has_group ? 1 : 0, &launch.group) != 0 ||
        ::syscall(SYS_setresgid, nobody, nobody, nobody) != 0 ||
        ::syscall(SYS_setresuid, nobody, nobody, nobody) != 0)
      return false;
  }
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

// In the child; does not return.
[[noreturn]] void become(const Launch& launch) {
  sigset_t none;
  sigemptyset(&none);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP})
    ::sigaction(signal, &standard, nullptr);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setpgid(0, 0);
  yield_to_all(launch);
  std::array<int, 64> high{};
  const bool taken = take_descriptors(launch, high);
  const int failure =
      taken ? first_handed + static_cast<int>(launch.handed.size()) : launch.failure;
  bool ready = taken && give_up_privileges(launch);
  // After the change of the user, which would undo it.
  if (!mutated("virtual-boot-outlives")) ready = ready && ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
  // The parent may have died between fork and now.
  if (ready && ::getppid() == launch.parent)
    ::execve(launch.argv[0], launch.argv.data(), launch.environment.data());
  const int error = errno;
  const auto told = ::write(failure, &error, sizeof error);
  static_cast<void>(told);
  ::_exit(127);
}

}  // namespace

Result<ConfinedChild> start_confined(const std::vector<std::string>& argv,
                                     const Confinement& confinement) {
  if (argv.empty() || confinement.handed.size() > 32)
    return Error{Errc::bug, "confined: no program named, or too much handed to it"};
  std::array<int, 2> output{}, failure{};
  if (::pipe2(output.data(), O_CLOEXEC) != 0) return system_error("pipe");
  ConfinedChild child;
  child.output = Fd(output[0]);
  const Fd output_end(output[1]);
  if (::pipe2(failure.data(), O_CLOEXEC) != 0) return system_error("pipe");
  const Fd failed(failure[0]);
  Fd failure_end(failure[1]);
  if (::fcntl(child.output.get(), F_SETFL, O_NONBLOCK) != 0) return system_error("pipe");
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", language = "LC_ALL=C";
  Launch launch;
  for (const auto& word : argv) launch.argv.push_back(const_cast<char*>(word.c_str()));
  launch.argv.push_back(nullptr);
  launch.environment = {path.data(), language.data(), nullptr};
  launch.handed = confinement.handed;
  launch.output = output_end.get();
  launch.failure = failure_end.get();
  launch.cgroup = confinement.cgroup != nullptr ? confinement.cgroup->joining() : -1;
  launch.root = ::geteuid() == 0;
  launch.has_group = confinement.group.has_value();
  launch.group = confinement.group.value_or(0);
  launch.memory = {confinement.max_memory, confinement.max_memory};
  launch.parent = ::getpid();
  child.pid = ::fork();
  if (child.pid < 0) return system_error("start " + argv[0]);
  if (child.pid == 0) become(launch);
  ::setpgid(child.pid, child.pid);  // whoever is first
  failure_end.reset();
  int error = 0;
  ssize_t count = 0;
  do {
    count = ::read(failed.get(), &error, sizeof error);
  } while (count < 0 && errno == EINTR);
  if (count == 0) return child;  // it closes without a word when the program runs
  ::waitpid(child.pid, nullptr, 0);
  return system_error("start " + argv[0], error);
}

}  // namespace cube
