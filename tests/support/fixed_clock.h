// A clock that stands still where a test puts it.
#pragma once

#include "base/clock.h"

namespace cube {

class FixedClock final : public Clock {
 public:
  explicit FixedClock(const std::string& utc) : now_(parse_utc(utc).value()) {}
  [[nodiscard]] UnixSeconds now() const override { return now_; }
  [[nodiscard]] Seconds uptime() const override { return 0; }
  void set(const std::string& utc) { now_ = parse_utc(utc).value(); }

 private:
  UnixSeconds now_;
};

}  // namespace cube
