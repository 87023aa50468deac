// Time as the agent sees it. A port: tests bring their own.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

using UnixSeconds = std::int64_t;  // seconds since 1970-01-01 UTC
using Seconds = std::int64_t;      // a duration

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual UnixSeconds now() const = 0;  // wall clock; may be wrong, may jump
  [[nodiscard]] virtual Seconds uptime() const = 0;   // since this boot, sleep included
};

// The wall clock of this machine, and the uptime that proc/uptime below `root` tells: 0 when it
// cannot be read. `root` outlives the clock.
class SystemClock final : public Clock {
 public:
  explicit SystemClock(const RootDir& root) : root_(root) {}
  [[nodiscard]] UnixSeconds now() const override;
  [[nodiscard]] Seconds uptime() const override;

 private:
  const RootDir& root_;
};

inline constexpr UnixSeconds last_second = 253402300799;  // of the year 9999

// "2026-11-25T20:55:00Z". Valid for years 0 to 9999.
[[nodiscard]] std::string format_utc(UnixSeconds time);
// Exactly the form above. Errors: invalid.
[[nodiscard]] Result<UnixSeconds> parse_utc(const std::string& text);

}  // namespace cube
