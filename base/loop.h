// Loop: one thread that waits for descriptors, times, children and signals, and calls what was
// asked for. While nothing happens it does not wake. It feeds the watchdog of systemd
// (WatchdogSec=) itself: a loop that hangs is a dead loop.
//
// Callbacks run in the thread of run(), one at a time, and must not block. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/result.h"

struct sd_event;

namespace cube {

class Loop {
 public:
  // What is waited for, as long as it lives and the loop does.
  class Watch {
   public:
    Watch() = default;

   private:
    friend class Loop;
    struct State;
    explicit Watch(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
  };

  // SIGTERM and SIGINT end the loop; SIGCHLD is blocked in this thread from now on. Errors: failed.
  static Result<Loop> make();
  Loop(Loop&& other) noexcept;
  Loop& operator=(Loop&&) = delete;
  ~Loop();

  // `ready` is called when there is something to read, or the other side has closed.
  [[nodiscard]] Result<Watch> on_readable(int fd, std::function<void()> ready);
  // Once.
  [[nodiscard]] Result<Watch> after(std::chrono::milliseconds time, std::function<void()> due);
  // Once, with its exit code, or 128 + the signal that ended it. The child is then reaped.
  [[nodiscard]] Result<Watch> on_exit(pid_t child, std::function<void(int code)> ended);

  // Until stop(), or a signal that asks to end. Errors: failed.
  Status run();
  void stop();

  // For another library's own sources.
  [[nodiscard]] sd_event* native() const { return event_; }

 private:
  explicit Loop(sd_event* event) : event_(event) {}
  sd_event* event_;
};

}  // namespace cube
