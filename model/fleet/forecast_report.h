// What a forecast comes to, rollout by rollout: when which share may begin, has begun, is done.
// Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "model/fleet/forecast.h"

namespace cube::fleet {

// Machines, each counted in all that it went through.
struct ForecastCounts {
  std::size_t eligible = 0, begun = 0, done = 0, failed = 0;
};

// From `at` on until the next step.
struct ForecastStep {
  UnixSeconds at = 0;
  std::string what;       // "canary", "ramp", "deadline"
  std::uint32_t ppm = 0;  // of the ramp, at its beginning
  ForecastCounts counts;  // at its end
};

struct ForecastPoint {
  UnixSeconds at = 0;
  ForecastCounts counts;
};

struct ForecastSpan {
  UnixSeconds first = 0, last = 0;
};

struct RolloutForecast {
  std::size_t machines = 0;  // that have something to do in it
  ForecastCounts counts;     // at the end
  std::optional<ForecastSpan> eligible, begun, done;
  std::optional<UnixSeconds> half_done, nearly_done;  // 50 % and 90 % of `machines`
  std::vector<ForecastStep> steps;
  std::vector<ForecastPoint> curve;  // some hundred points, the last when nothing happens any more
};

// One for each rollout of the plan.
[[nodiscard]] std::vector<RolloutForecast> report(const Plan& plan, const ForecastSetup& setup,
                                                  const Forecast& forecast);

// What is left, of all rollouts together.
enum class ForecastOutcome {
  all_done,   // each machine came through, or failed alone
  time_over,  // the rest only needs more time
  left_over,  // some machine is left behind for good, or a cluster is halted
};
[[nodiscard]] ForecastOutcome outcome_of(const Forecast& forecast);

}  // namespace cube::fleet
