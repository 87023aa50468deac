// How far a long step is, and whether it shall go on. A step tells often and asks often: several
// times a second, from any of its threads, and never inside a write that must not end half-way.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "base/result.h"

namespace cube {

// One stage follows another; a step that does two things at once tells of the one that ends it.
struct Progress {
  std::string stage;           // "fetch", "check" (what is there already), "fill", "verify"
  std::uint64_t done = 0;      // in `unit`
  std::uint64_t total = 0;     // 0: not known
  std::string unit = "bytes";  // "bytes", "objects" or "seconds"
};

class ProgressSink {
 public:
  using Tell = std::function<void(const Progress&)>;

  // Anything that takes a Progress; a step that gets it is never cancelled.
  template <typename F, typename = std::enable_if_t<std::is_invocable_v<F, const Progress&>>>
  ProgressSink(F tell) : tell_(std::move(tell)) {}
  // Once `stop` is true the step shall end. `stop` outlives the sink and its copies.
  ProgressSink(Tell tell, const std::atomic<bool>& stop) : tell_(std::move(tell)), stop_(&stop) {}

  // From one thread at a time; returns quickly.
  void operator()(const Progress& progress) const { tell_(progress); }

  // Thread-safe. A step that finds it true ends within a second with go_on()'s error, and leaves
  // its work so that it can be taken up again.
  [[nodiscard]] bool cancelled() const {
    return stop_ != nullptr && stop_->load(std::memory_order_relaxed);
  }
  // The same for CUBE_CHECK. Errors: cancelled.
  [[nodiscard]] Status go_on() const {
    if (!cancelled()) return ok();
    return Error{Errc::cancelled, "stopped on request"};
  }

 private:
  Tell tell_;
  const std::atomic<bool>* stop_ = nullptr;
};

}  // namespace cube
