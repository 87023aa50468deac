// Limits: how many machines of a cluster may be away at the same time, and when a rollout stops by
// itself. From a signed plan, which a site may only narrow. Pure values.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"

namespace cube::fleet {

struct Limits {
  std::uint32_t max_unavailable = 1;  // 1..1000 machines that hold a place at once
  // All that hold a place are of one failure domain, such as one rack; false: any.
  bool one_domain = true;
  std::uint32_t fail_count = 2;        // 1..1000 failures of a rollout that stop it
  std::uint32_t fail_percent = 5;      // 1..100 % of those that finished that stop it, once
  std::uint32_t fail_min_sample = 20;  // so many have finished
  // Only failures of the same hardware count, and then only machines like those wait.
  bool by_hardware = false;
  Seconds hold_deadline = 5400;  // 600..604800 s: a place held for longer is a failure

  friend bool operator==(const Limits&, const Limits&) = default;
};

}  // namespace cube::fleet
