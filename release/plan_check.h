// Whether a rollout plan makes sense before it is signed: what its readers would refuse, and what
// would let machines wait for ever.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/fleet/plan.h"
#include "release/publisher.h"

namespace cube {

struct CheckedPlan {
  fleet::Plan plan;  // of a site: the published one, narrowed
  std::uint64_t serial = 0;
  std::vector<std::string> warnings;  // a sentence each
};

// `publisher`: of the repository that it is for; nullptr: that is not at hand.
// Errors: corrupt (form), invalid (no such time zone; a serial that is not above the published one;
// a site's plan without a published one), refused (expired; no window ever opens; a release that is
// not published; a site that would widen), nothing_to_do (published already).
Result<CheckedPlan> check_plan(const std::string& text, bool site, UnixSeconds now,
                               const Publisher* publisher);

}  // namespace cube
