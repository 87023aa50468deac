// A plan's forecast as one page: a curve and the tables of each rollout.
#include <fmt/format.h>

#include <algorithm>

#include "agent/cli/forecast_text.h"
#include "model/fleet/duration.h"

namespace cube::cli {
namespace {

using fleet::ForecastCounts;
using fleet::RolloutForecast;

constexpr std::size_t halted_shown = 100;
constexpr int width = 640, height = 220, left_edge = 44, top_edge = 8;  // of the plot

constexpr const char* head = R"(<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Forecast of a rollout plan</title>
<style>
:root { --ink: #1b1b1b; --paper: #fff; --line: #ccc; --eligible: #777; --begun: #b26a00; --done: #1d6fb8; --failed: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --paper: #161616; --line: #444; --eligible: #999; --begun: #f0a840; --done: #6db3f2; --failed: #ff8a80; }
}
body { font: 16px/1.5 sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; overflow-wrap: anywhere; }
div { overflow-x: auto; }
svg { width: 100%; min-width: 34rem; height: auto; } text { fill: var(--ink); font-size: 11px; }
polyline { fill: none; stroke-width: 2; } .axis { stroke: var(--line); }
.eligible { stroke: var(--eligible); stroke-dasharray: 2 3; } .begun { stroke: var(--begun); stroke-dasharray: 6 3; }
.done { stroke: var(--done); } .failed { stroke: var(--failed); stroke-dasharray: 9 3 2 3; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; }
</style>
)";

// Texts of plans may hold anything printable.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

struct Curve {
  const char* name;
  std::size_t ForecastCounts::*count;
};
constexpr Curve curves[] = {{"eligible", &ForecastCounts::eligible},
                            {"begun", &ForecastCounts::begun},
                            {"done", &ForecastCounts::done},
                            {"failed", &ForecastCounts::failed}};

class Plot {
 public:
  explicit Plot(const RolloutForecast& rollout)
      : rollout_(rollout),
        from_(rollout.curve.front().at),
        span_(std::max<Seconds>(1, rollout.curve.back().at - from_)) {}

  [[nodiscard]] std::string svg() const {
    std::string text = fmt::format(
        "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"Share of the machines over time\">\n",
        left_edge + width + 10, top_edge + height + 40);
    for (const int percent : {0, 25, 50, 75, 100}) text += level(percent);
    for (const int part : {0, 1, 2, 3, 4}) text += time(part);
    for (const auto& curve : curves) text += line(curve);
    int place = left_edge;
    for (const auto& curve : curves) {
      const int low = top_edge + height + 32;
      text += fmt::format(
          "<polyline class=\"{}\" points=\"{},{} {},{}\"/><text x=\"{}\" y=\"{}\">{}</text>\n",
          curve.name, place, low - 4, place + 28, low - 4, place + 33, low, curve.name);
      place += 110;
    }
    return text + "</svg>\n";
  }

 private:
  [[nodiscard]] double x(UnixSeconds at) const {
    return left_edge + static_cast<double>(at - from_) * width / static_cast<double>(span_);
  }
  [[nodiscard]] double y(std::size_t count) const {
    const auto all = std::max<std::size_t>(1, rollout_.machines);
    return top_edge + height -
           static_cast<double>(std::min(count, all)) * height / static_cast<double>(all);
  }
  [[nodiscard]] static std::string level(int percent) {
    const int at = top_edge + height - percent * height / 100;
    return fmt::format(
        "<line class=\"axis\" x1=\"{0}\" y1=\"{2}\" x2=\"{1}\" y2=\"{2}\"/>"
        "<text x=\"{3}\" y=\"{4}\" text-anchor=\"end\">{5} %</text>\n",
        left_edge, left_edge + width, at, left_edge - 5, at + 4, percent);
  }
  [[nodiscard]] std::string time(int part) const {
    const auto at = from_ + span_ * part / 4;
    const auto text = format_utc(at);
    return fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"{}\">{} {}</text>\n", x(at),
                       top_edge + height + 15,
                       part == 0   ? "start"
                       : part == 4 ? "end"
                                   : "middle",
                       text.substr(5, 5), text.substr(11, 5));
  }
  // In steps: each point tells how many it is by then.
  [[nodiscard]] std::string line(const Curve& curve) const {
    std::string points;
    std::size_t before = 0;
    for (const auto& point : rollout_.curve) {
      const auto count = point.counts.*curve.count;
      points += fmt::format("{0:.1f},{1:.1f} {0:.1f},{2:.1f} ", x(point.at), y(before), y(count));
      before = count;
    }
    return fmt::format("<polyline class=\"{}\" points=\"{}\"/>\n", curve.name, points);
  }

  const RolloutForecast& rollout_;
  UnixSeconds from_;
  Seconds span_;
};

std::string steps_table(const RolloutForecast& rollout) {
  std::string text =
      "<div><table><tr><th>from, to the next<th><th class=\"n\">ramp, ppm<th class=\"n\">eligible"
      "<th class=\"n\">begun<th class=\"n\">done<th class=\"n\">failed\n";
  for (const auto& step : rollout.steps)
    text += fmt::format(
        "<tr><td>{}<td>{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td "
        "class=\"n\">{}<td class=\"n\">{}\n",
        format_utc(step.at), step.what, step.ppm, step.counts.eligible, step.counts.begun,
        step.counts.done, step.counts.failed);
  return text + "</table></div>\n";
}

std::string left_table(const ForecastView& view, std::size_t place) {
  std::string rows;
  for (const auto& [key, group] : view.forecast.left)
    if (key.first == place)
      rows += fmt::format("<tr><td>{}<td>{}<td class=\"n\">{}<td class=\"n\">{}<td>{}: {}\n",
                          group.for_good ? "never" : "not yet", escaped(key.second), group.machines,
                          group.clusters, escaped(group.cluster), escaped(group.sentence));
  if (rows.empty()) return "";
  return "<h3>Left behind</h3><div><table><tr><th><th>reason<th class=\"n\">machines<th "
         "class=\"n\">clusters<th>for example\n" +
         rows + "</table></div>\n";
}

std::string halted_table(const ForecastView& view, std::size_t place) {
  std::string rows;
  std::size_t halted = 0;
  for (const auto& one : view.forecast.halted)
    if (one.rollout == place && ++halted <= halted_shown)
      rows += fmt::format("<tr><td>{}<td>{}<td>{}\n", escaped(view.inventory[one.cluster].id),
                          format_utc(one.at), escaped(one.why));
  if (rows.empty()) return "";
  if (halted > halted_shown) rows += fmt::format("<tr><td>and {} more\n", halted - halted_shown);
  return "<h3>Clusters that halt</h3><div><table>\n" + rows + "</table></div>\n";
}

}  // namespace

std::string forecast_page(const ForecastView& view) {
  std::string page = head;
  page += fmt::format(
      "<h1>Forecast of plan {}</h1>\n<p>{} machines of {} clusters, {} to {}. Installed in {}, "
      "away for {}; {} of a million fail, seed {}. <strong>{}</strong></p>\n",
      view.plan.serial, machines_of(view.inventory), view.inventory.size(),
      format_utc(view.setup.from), format_utc(view.setup.until),
      fleet::format_duration(view.setup.install_time), fleet::format_duration(view.setup.away_time),
      view.setup.failures, view.setup.seed, escaped(outcome_text(view)));
  for (std::size_t place = 0; place < view.rollouts.size(); ++place) {
    const auto& rollout = view.rollouts[place];
    page += fmt::format("<h2>{} of {}: {} machines</h2>\n", escaped(view.plan.rollouts[place].id),
                        escaped(view.plan.rollouts[place].release), rollout.machines);
    page += "<div>" + Plot(rollout).svg() + "</div>\n" + steps_table(rollout) +
            left_table(view, place) + halted_table(view, place);
  }
  return page + "</html>\n";
}

}  // namespace cube::cli
