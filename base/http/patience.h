// Patience: how long a server may keep somebody waiting who can go elsewhere. It begins with 5 s;
// waiting uses it up, and what arrives gives it back, a second for each 64 KiB, up to those 5 s. So
// a server that says nothing has 5 s, and one that sends little more than nothing not much more,
// however fast it was before. What its listener does with the bytes is not waiting. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace cube {

class Patience {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::nanoseconds at_most = std::chrono::seconds(5);

  // `cap`: bytes per second that the listener itself asks for at most; 0: no limit.
  explicit Patience(std::uint64_t cap = 0)
      : bytes_per_second_(cap == 0 ? slowest : std::clamp<std::uint64_t>(cap / 2, 1, slowest)) {}

  // A request goes out.
  void begin(Time now) {
    left_ = at_most;
    since_ = now;
  }
  // So many bytes came; the listener takes them until resume().
  void arrived(std::uint64_t bytes, Time now) {
    constexpr std::uint64_t second = 1'000'000'000;
    const std::chrono::nanoseconds worth(
        static_cast<std::int64_t>(std::min(bytes, most_counted) * second / bytes_per_second_));
    left_ = std::min(at_most, left_ - (now - since_) + worth);
    since_ = now;
  }
  void resume(Time now) { since_ = now; }
  [[nodiscard]] bool spent(Time now) const { return now - since_ >= left_; }

 private:
  static constexpr std::uint64_t slowest = 64 * 1024;
  static constexpr std::uint64_t most_counted = 1024 * 1024;  // in one piece: no overflow

  std::uint64_t bytes_per_second_;
  std::chrono::nanoseconds left_ = at_most;
  Time since_{};
};

}  // namespace cube
