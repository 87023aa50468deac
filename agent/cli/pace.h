// Pace: how fast a stage goes, and how long it will still take. Pure: the caller brings the time.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace cube {

class Pace {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Forgets everything: a stage begins.
  void begin(Time now, std::uint64_t done);
  void note(Time now, std::uint64_t done);

  // Units per second over the last ten seconds, so that what an earlier run left there does not
  // count. nullopt: not known yet, within the first second.
  [[nodiscard]] std::optional<std::uint64_t> rate() const;
  // nullopt: not known yet, or nothing moves.
  [[nodiscard]] std::optional<std::chrono::seconds> left(std::uint64_t total) const;
  [[nodiscard]] std::chrono::seconds since_begin() const;

 private:
  struct Sample {
    Time time;
    std::uint64_t done = 0;
  };
  Time begin_;
  std::deque<Sample> samples_;  // the last ten seconds, at most one in a quarter of a second
};

// "12 s", "3 min 05 s", "2 h 07 min".
[[nodiscard]] std::string duration_text(std::chrono::seconds seconds);

}  // namespace cube
