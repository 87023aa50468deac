#include "base/loop.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>

#include <utility>

namespace cube {

struct Loop::Watch::State {
  sd_event_source* source = nullptr;
  std::function<void(int)> call;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { sd_event_source_disable_unref(source); }
};

namespace {

Error loop_error(const char* what, int negative_errno) {
  return system_error(std::string("event loop: ") + what, -negative_errno);
}

// A callback may let go of its own watch: what it needs is copied before.
void call(void* state, int value) {
  const auto callback = static_cast<std::function<void(int)>*>(state);
  const auto kept = *callback;
  kept(value);
}

int readable(sd_event_source*, int, std::uint32_t, void* state) {
  call(state, 0);
  return 0;
}

int due(sd_event_source*, std::uint64_t, void* state) {
  call(state, 0);
  return 0;
}

int ended(sd_event_source*, const siginfo_t* info, void* state) {
  call(state, info->si_code == CLD_EXITED ? info->si_status : 128 + info->si_status);
  return 0;
}

}  // namespace

Result<Loop> Loop::make() {
  sd_event* event = nullptr;
  if (const int r = sd_event_new(&event); r < 0) return loop_error("new", r);
  Loop loop(event);
  sigset_t blocked;
  sigemptyset(&blocked);
  for (const int signal : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&blocked, signal);
  if (::sigprocmask(SIG_BLOCK, &blocked, nullptr) != 0) return system_error("block signals");
  for (const int signal : {SIGTERM, SIGINT})
    if (const int r = sd_event_add_signal(event, nullptr, signal, nullptr, nullptr); r < 0)
      return loop_error("signal", r);
  if (const int r = sd_event_set_watchdog(event, 1); r < 0) return loop_error("watchdog", r);
  return loop;
}

Loop::Loop(Loop&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}

Loop::~Loop() {
  sd_event_unref(event_);
}

Result<Loop::Watch> Loop::on_readable(int fd, std::function<void()> ready) {
  auto state = std::make_shared<Watch::State>();
  state->call = [ready = std::move(ready)](int) { ready(); };
  const int r = sd_event_add_io(event_, &state->source, fd, EPOLLIN, &readable, &state->call);
  if (r < 0) return loop_error("descriptor", r);
  return Watch(std::move(state));
}

Result<Loop::Watch> Loop::after(std::chrono::milliseconds time, std::function<void()> then) {
  auto state = std::make_shared<Watch::State>();
  state->call = [then = std::move(then)](int) { then(); };
  const auto microseconds = static_cast<std::uint64_t>(std::chrono::microseconds(time).count());
  constexpr std::uint64_t accuracy = 10'000;
  const int r = sd_event_add_time_relative(event_, &state->source, CLOCK_MONOTONIC, microseconds,
                                           accuracy, &due, &state->call);
  if (r < 0) return loop_error("timer", r);
  return Watch(std::move(state));
}

Result<Loop::Watch> Loop::on_exit(pid_t child, std::function<void(int)> then) {
  auto state = std::make_shared<Watch::State>();
  state->call = std::move(then);
  const int r = sd_event_add_child(event_, &state->source, child, WEXITED, &ended, &state->call);
  if (r < 0) return loop_error("child", r);
  return Watch(std::move(state));
}

Status Loop::run() {
  const int r = sd_event_loop(event_);
  return r < 0 ? Status(loop_error("run", r)) : ok();
}

void Loop::stop() {
  sd_event_exit(event_, 0);
}

}  // namespace cube
