#include "model/fleet/forecast_report.h"

#include <algorithm>

namespace cube::fleet {
namespace {

constexpr Seconds points_of_curve = 120;

using Times = std::vector<UnixSeconds>;

// When it happened to each machine, in order.
struct Happenings {
  Times eligible, begun, done, failed;

  void sort() {
    for (auto* times : {&eligible, &begun, &done, &failed}) std::sort(times->begin(), times->end());
  }
  [[nodiscard]] ForecastCounts before(UnixSeconds end) const {
    const auto count = [&](const Times& times) {
      return static_cast<std::size_t>(std::lower_bound(times.begin(), times.end(), end) -
                                      times.begin());
    };
    return {count(eligible), count(begun), count(done), count(failed)};
  }
};

std::vector<Happenings> happenings_of(const Plan& plan, const Forecast& forecast) {
  std::vector<Happenings> found(plan.rollouts.size());
  for (const auto& passage : forecast.passages) {
    auto& here = found[passage.rollout];
    here.eligible.push_back(passage.eligible);
    if (passage.begun != 0) here.begun.push_back(passage.begun);
    if (passage.ended != 0) (passage.failed ? here.failed : here.done).push_back(passage.ended);
  }
  for (auto& here : found) here.sort();
  return found;
}

std::optional<ForecastSpan> span_of(const Times& times) {
  if (times.empty()) return std::nullopt;
  return ForecastSpan{times.front(), times.back()};
}

// When `percent` of the machines were done.
std::optional<UnixSeconds> reached(const Times& times, std::size_t machines, std::size_t percent) {
  const auto needed = (machines * percent + 99) / 100;
  if (needed == 0 || times.size() < needed) return std::nullopt;
  return times[needed - 1];
}

std::vector<ForecastStep> steps_of(const Rollout& rollout, const ForecastSetup& setup,
                                   const Happenings& here) {
  const auto& ramp = rollout.ramp;
  std::vector<ForecastStep> steps;
  const auto add = [&](Seconds after, const char* what) {
    const auto at = ramp.start + after;
    if (at < setup.until) steps.push_back({at, what, ppm_at(ramp, at), {}});
  };
  if (rollout.canary) add(rollout.canary->after, "canary");
  for (const auto& point : ramp.points) add(point.after, "ramp");
  if (rollout.deadline) add(*rollout.deadline, "deadline");
  std::stable_sort(steps.begin(), steps.end(),
                   [](const auto& left, const auto& right) { return left.at < right.at; });
  for (std::size_t i = 0; i < steps.size(); ++i)
    steps[i].counts = here.before(i + 1 < steps.size() ? steps[i + 1].at : setup.until);
  return steps;
}

std::vector<ForecastPoint> curve_of(const ForecastSetup& setup, const Happenings& here) {
  auto last = setup.from + 1;
  for (const auto* times : {&here.eligible, &here.begun, &here.done, &here.failed})
    if (!times->empty()) last = std::max(last, times->back());
  std::vector<ForecastPoint> curve;
  for (Seconds i = 0; i <= points_of_curve; ++i) {
    const auto at = setup.from + (last - setup.from) * i / points_of_curve;
    if (curve.empty() || curve.back().at != at) curve.push_back({at, here.before(at + 1)});
  }
  return curve;
}

}  // namespace

std::vector<RolloutForecast> report(const Plan& plan, const ForecastSetup& setup,
                                    const Forecast& forecast) {
  const auto happenings = happenings_of(plan, forecast);
  std::vector<RolloutForecast> reports;
  for (std::size_t place = 0; place < plan.rollouts.size(); ++place) {
    const auto& here = happenings[place];
    RolloutForecast one;
    one.counts = here.before(setup.until);
    // Whoever is left behind before its restart may have a passage already.
    one.machines = here.begun.size();
    for (const auto& [key, group] : forecast.left)
      if (key.first == place) one.machines += group.machines;
    one.eligible = span_of(here.eligible);
    one.begun = span_of(here.begun);
    one.done = span_of(here.done);
    one.half_done = reached(here.done, one.machines, 50);
    one.nearly_done = reached(here.done, one.machines, 90);
    one.steps = steps_of(plan.rollouts[place], setup, here);
    one.curve = curve_of(setup, here);
    reports.push_back(std::move(one));
  }
  return reports;
}

ForecastOutcome outcome_of(const Forecast& forecast) {
  const bool for_good = std::any_of(forecast.left.begin(), forecast.left.end(),
                                    [](const auto& each) { return each.second.for_good; });
  if (for_good || !forecast.halted.empty()) return ForecastOutcome::left_over;
  const bool on_the_way = std::any_of(forecast.passages.begin(), forecast.passages.end(),
                                      [](const Passage& passage) { return passage.ended == 0; });
  return on_the_way || !forecast.left.empty() ? ForecastOutcome::time_over
                                              : ForecastOutcome::all_done;
}

}  // namespace cube::fleet
