#include "agent/cli/forecast_text.h"

#include <fmt/format.h>

#include <numeric>

#include "agent/cli/render.h"
#include "model/fleet/duration.h"

namespace cube::cli {
namespace {

using fleet::ForecastCounts;
using fleet::ForecastOutcome;
using fleet::ForecastSpan;
using fleet::RolloutForecast;

constexpr std::size_t halted_shown = 10;

std::string word_of(ForecastOutcome outcome) {
  switch (outcome) {
    case ForecastOutcome::all_done:
      return "all-done";
    case ForecastOutcome::time_over:
      return "time-over";
    case ForecastOutcome::left_over:
      return "left-over";
  }
  return "";
}

Json json_of(const ForecastCounts& counts) {
  return Json::Object{{"eligible", std::uint64_t{counts.eligible}},
                      {"begun", std::uint64_t{counts.begun}},
                      {"done", std::uint64_t{counts.done}},
                      {"failed", std::uint64_t{counts.failed}}};
}

Json::Object when_json(const RolloutForecast& rollout) {
  Json::Object when;
  const auto add = [&](const char* name, const std::optional<ForecastSpan>& span) {
    if (span)
      when[name] =
          Json::Object{{"first", format_utc(span->first)}, {"last", format_utc(span->last)}};
  };
  add("eligible", rollout.eligible);
  add("begun", rollout.begun);
  add("done", rollout.done);
  if (rollout.half_done) when["half_done"] = format_utc(*rollout.half_done);
  if (rollout.nearly_done) when["nearly_done"] = format_utc(*rollout.nearly_done);
  return when;
}

Json rollout_json(const ForecastView& view, std::size_t place) {
  const auto& rollout = view.rollouts[place];
  Json::Array steps, curve, left, halted;
  for (const auto& step : rollout.steps)
    steps.push_back(Json::Object{{"at", format_utc(step.at)},
                                 {"what", step.what},
                                 {"ppm", std::uint64_t{step.ppm}},
                                 {"counts", json_of(step.counts)}});
  for (const auto& point : rollout.curve)
    curve.push_back(Json::Object{{"at", format_utc(point.at)}, {"counts", json_of(point.counts)}});
  for (const auto& [key, group] : view.forecast.left)
    if (key.first == place)
      left.push_back(Json::Object{{"reason", key.second},
                                  {"sentence", group.sentence},
                                  {"cluster", group.cluster},
                                  {"for_good", group.for_good},
                                  {"machines", std::uint64_t{group.machines}},
                                  {"clusters", std::uint64_t{group.clusters}}});
  for (const auto& one : view.forecast.halted)
    if (one.rollout == place)
      halted.push_back(Json::Object{{"cluster", view.inventory[one.cluster].id},
                                    {"at", format_utc(one.at)},
                                    {"why", one.why}});
  return Json::Object{{"id", view.plan.rollouts[place].id},
                      {"release", view.plan.rollouts[place].release},
                      {"machines", std::uint64_t{rollout.machines}},
                      {"counts", json_of(rollout.counts)},
                      {"when", when_json(rollout)},
                      {"steps", std::move(steps)},
                      {"curve", std::move(curve)},
                      {"left", std::move(left)},
                      {"halted", std::move(halted)}};
}

std::string span_line(const char* what, const std::optional<ForecastSpan>& span) {
  if (!span) return "";
  return fmt::format("    {:<12}{} to {}\n", what, format_utc(span->first), format_utc(span->last));
}

std::string rollout_text(const ForecastView& view, std::size_t place) {
  const auto& rollout = view.rollouts[place];
  std::string text = fmt::format("rollout   {} of {}: {} machines\n", view.plan.rollouts[place].id,
                                 view.plan.rollouts[place].release, rollout.machines);
  text += fmt::format("    {:<21}{:<10}{:>9}{:>10}{:>10}{:>10}{:>10}\n", "from, to the next", "",
                      "ramp", "eligible", "begun", "done", "failed");
  for (const auto& step : rollout.steps)
    text += fmt::format("    {:<21}{:<10}{:>9}{:>10}{:>10}{:>10}{:>10}\n", format_utc(step.at),
                        step.what, step.ppm, step.counts.eligible, step.counts.begun,
                        step.counts.done, step.counts.failed);
  text += span_line("eligible", rollout.eligible) + span_line("begun", rollout.begun) +
          span_line("done", rollout.done);
  if (rollout.half_done)
    text += fmt::format("    {:<12}{}{}\n", "half done", format_utc(*rollout.half_done),
                        rollout.nearly_done ? ", 90 % " + format_utc(*rollout.nearly_done) : "");
  for (const auto& [key, group] : view.forecast.left)
    if (key.first == place)
      text += fmt::format("    {}   {}: {} machines of {} clusters, as in {}: {}\n",
                          group.for_good ? "never  " : "not yet", key.second, group.machines,
                          group.clusters, group.cluster, printable(group.sentence));
  std::size_t halted = 0;
  for (const auto& one : view.forecast.halted)
    if (one.rollout == place && ++halted <= halted_shown)
      text += fmt::format("    halted    {} on {}: {}\n", view.inventory[one.cluster].id,
                          format_utc(one.at), printable(one.why));
  if (halted > halted_shown)
    text += fmt::format("    halted    {} more clusters\n", halted - halted_shown);
  return text;
}

}  // namespace

std::size_t machines_of(const fleet::Inventory& inventory) {
  return std::accumulate(
      inventory.begin(), inventory.end(), std::size_t{0},
      [](std::size_t sum, const auto& cluster) { return sum + cluster.nodes.size(); });
}

std::string outcome_text(const ForecastView& view) {
  switch (fleet::outcome_of(view.forecast)) {
    case ForecastOutcome::all_done:
      return "every machine that has something to do comes through, or fails alone";
    case ForecastOutcome::time_over:
      return "some machines need more time";
    case ForecastOutcome::left_over:
      return view.forecast.halted.empty()
                 ? "some machines are left behind"
                 : fmt::format("some machines are left behind; {} clusters halt",
                               view.forecast.halted.size());
  }
  return "";
}

std::string forecast_text(const ForecastView& view) {
  const auto& setup = view.setup;
  std::string text = fmt::format(
      "plan      serial {}, {} to {}\n"
      "fleet     {} machines of {} clusters\n"
      "forecast  {} to {}; installed in {}, away for {}; {} of a million fail, seed {}\n",
      view.plan.serial, format_utc(view.plan.issued), format_utc(view.plan.expires),
      machines_of(view.inventory), view.inventory.size(), format_utc(setup.from),
      format_utc(setup.until), fleet::format_duration(setup.install_time),
      fleet::format_duration(setup.away_time), setup.failures, setup.seed);
  for (std::size_t place = 0; place < view.rollouts.size(); ++place)
    text += rollout_text(view, place);
  return text + outcome_text(view) + "\n";
}

Json forecast_json(const ForecastView& view) {
  Json::Array rollouts;
  for (std::size_t place = 0; place < view.rollouts.size(); ++place)
    rollouts.push_back(rollout_json(view, place));
  return Json::Object{{"event", "result"},
                      {"serial", view.plan.serial},
                      {"from", format_utc(view.setup.from)},
                      {"until", format_utc(view.setup.until)},
                      {"install_time", fleet::format_duration(view.setup.install_time)},
                      {"away_time", fleet::format_duration(view.setup.away_time)},
                      {"failures", std::uint64_t{view.setup.failures}},
                      {"seed", view.setup.seed},
                      {"clusters", std::uint64_t{view.inventory.size()}},
                      {"machines", std::uint64_t{machines_of(view.inventory)}},
                      {"outcome", word_of(fleet::outcome_of(view.forecast))},
                      {"rollouts", std::move(rollouts)}};
}

}  // namespace cube::cli
