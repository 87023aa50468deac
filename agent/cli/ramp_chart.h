// A rollout's ramp as a drawing: which share of the units may begin, by time. Pure.
#pragma once

#include <string>

#include "base/clock.h"
#include "model/fleet/plan.h"

namespace cube::cli {

// An <svg> for an HTML page, with the time of `now` marked and, where it lies in the drawing, when
// `unit` may begin. From the rollout's start to a while after the last point, its deadline and now;
// a `now` that is more than ten times as far away is only said to lie outside.
[[nodiscard]] std::string ramp_chart(const fleet::Rollout& rollout, const std::string& unit,
                                     UnixSeconds now);

// "25 %", "12.50 %": so many parts of a million, rounded down.
[[nodiscard]] std::string percent(std::uint32_t ppm);

}  // namespace cube::cli
