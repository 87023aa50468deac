#include "agent/virtual_boot/guest_run.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "agent/virtual_boot/overlay.h"
#include "base/cgroup.h"
#include "base/confined_child.h"

namespace cube {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t max_port_bytes = 4096, max_words_bytes = 4096;
constexpr int look_ms = 200;

// What came through a pipe: the beginning and the end of it.
class Heard {
 public:
  Heard(Fd pipe, std::size_t most) : pipe_(std::move(pipe)), most_(most) {}

  [[nodiscard]] int fd() const { return pipe_.get(); }
  [[nodiscard]] const std::string& text() const { return text_; }

  // False: nothing is there now, or will be ever.
  bool take() {
    std::array<char, 16384> buffer{};
    const auto count = pipe_.valid() ? ::read(pipe_.get(), buffer.data(), buffer.size()) : -1;
    if (count == 0) pipe_.reset();
    if (count <= 0) return false;
    text_.append(buffer.data(), static_cast<std::size_t>(count));
    if (text_.size() > most_) text_.erase(most_ / 4, text_.size() - most_);
    return true;
  }

 private:
  Fd pipe_;
  std::size_t most_;
  std::string text_;
};

struct Pipe {
  Fd read, write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("pipe");
  Pipe pipe{Fd(ends[0]), Fd(ends[1])};
  if (::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) != 0) return system_error("pipe");
  return pipe;
}

// The process, killed and waited for at the end at the latest.
class Running {
 public:
  explicit Running(pid_t pid) : pid_(pid) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { kill(); }

  [[nodiscard]] bool ended() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid_;
  }
  // Its status as of waitpid(2).
  int kill() {
    if (pid_ < 0) return 0;
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

bool a_kernel_speaks(const std::string& console) {
  return console.find("Linux version ") != std::string::npos;
}

class Watch {
 public:
  Watch(Heard console, Heard port, Heard words, const GuestLimits& limits, const Fd& overlay)
      : console_(std::move(console)),
        port_(std::move(port)),
        words_(std::move(words)),
        limits_(limits),
        overlay_(overlay) {}

  // Waits a moment for something to come, and takes all that is there.
  void listen() {
    std::array<pollfd, 3> ready{
        {{console_.fd(), POLLIN, 0}, {port_.fd(), POLLIN, 0}, {words_.fd(), POLLIN, 0}}};
    if (console_.fd() < 0 && port_.fd() < 0 && words_.fd() < 0) ::usleep(look_ms * 1000);
    ::poll(ready.data(), ready.size(), look_ms);
    // Some of each at a time, so that a machine that only talks does not keep anybody from looking.
    for (int round = 0; round < 16 && console_.take(); ++round) last_word_ = Clock::now();
    port_.take();
    words_.take();
  }

  // What to end it for; nullopt: it goes on.
  [[nodiscard]] std::optional<GuestEnd> over() const {
    const auto ran = Clock::now() - begin_;
    if (ran >= limits_.time) return GuestEnd::time_over;
    if (limits_.first_word.count() > 0 && ran >= limits_.first_word &&
        !a_kernel_speaks(console_.text()))
      return GuestEnd::mute;
    const auto taken = bytes_taken(overlay_);
    if (!taken || *taken > limits_.overlay_bytes) return GuestEnd::overlay_full;
    return std::nullopt;
  }

  [[nodiscard]] GuestRun finish(GuestEnd end) {
    while (console_.take() || words_.take()) {
    }
    const auto now = Clock::now();
    return {end, console_.text(), words_.text(),
            std::chrono::duration_cast<milliseconds>(now - begin_),
            std::chrono::duration_cast<milliseconds>(now - last_word_)};
  }

  [[nodiscard]] const std::string& console() const { return console_.text(); }
  [[nodiscard]] const std::string& port() const { return port_.text(); }
  [[nodiscard]] std::uint64_t seconds() const {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begin_).count());
  }

 private:
  Heard console_, port_, words_;
  const GuestLimits& limits_;
  const Fd& overlay_;
  Clock::time_point begin_ = Clock::now(), last_word_ = begin_;
};

// QEMU ends with 0 when the guest restarts or switches itself off.
GuestEnd own_end(int status, const std::string& console) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return GuestEnd::ended;
  return WIFEXITED(status) && a_kernel_speaks(console) ? GuestEnd::ended : GuestEnd::not_started;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return "it was ended by signal " + std::to_string(WTERMSIG(status));
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Result<GuestRun> run_guest(
    const std::vector<std::string>& argv, const GuestFiles& files, const GuestLimits& limits,
    const std::function<bool(std::string_view port, std::string_view console)>& reached,
    const ProgressSink& progress) {
  CUBE_TRY(Pipe console, make_pipe());
  CUBE_TRY(Pipe port, make_pipe());
  const auto cgroup = Cgroup::make();  // without one it still dies with this process
  Confinement confinement;
  confinement.handed = {files.disk.get(),      files.overlay.get(), files.kernel.get(),
                        files.initramfs.get(), console.write.get(), port.write.get()};
  confinement.group = limits.group;
  confinement.max_memory = limits.address_space;
  confinement.cgroup = cgroup ? &*cgroup : nullptr;
  CUBE_TRY(ConfinedChild child, start_confined(argv, confinement));
  Running running(child.pid);
  console.write.reset();
  port.write.reset();
  Watch watch(Heard(std::move(console.read), max_console_bytes),
              Heard(std::move(port.read), max_port_bytes),
              Heard(std::move(child.output), max_words_bytes), limits, files.overlay);
  for (;;) {
    CUBE_CHECK(progress.go_on());
    const bool ended = running.ended();  // before the last look at what it said
    watch.listen();
    progress(Progress{"virtual-boot", watch.seconds(), 0, "seconds"});
    if (reached(watch.port(), watch.console())) {
      running.kill();
      return watch.finish(GuestEnd::reached);
    }
    if (const auto over = watch.over()) {
      running.kill();
      return watch.finish(*over);
    }
    if (!ended) continue;
    const int status = running.kill();
    auto run = watch.finish(GuestEnd::ended);
    run.end = own_end(status, run.console);
    if (run.end == GuestEnd::not_started && run.qemu.empty()) run.qemu = how_it_ended(status);
    return run;
  }
}

}  // namespace cube
