// The rollouts of the plan on a cluster's page, and what failed.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "agent/cli/fleet_page_parts.h"
#include "agent/cli/html_text.h"
#include "agent/cli/ramp_chart.h"

namespace cube::cli {
namespace {

std::string fact(const char* name, const std::string& value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, value);
}

std::string turn_of(const fleet::Rollout& rollout, const FleetPage& page) {
  const auto turn = reaches(rollout.ramp, fleet::bucket_of(rollout.salt, page.unit));
  if (!turn) return "not in this ramp";
  return fmt::format("{} {}", *turn <= page.written ? "since" : "from", page_time(*turn));
}

std::string card(const fleet::Rollout& rollout, const FleetPage& page) {
  const auto& last = rollout.ramp.points.back();
  std::string facts = fact("Release", html(rollout.release)) +
                      fact("Share now", percent(ppm_at(rollout.ramp, page.written))) +
                      fact("At last", fmt::format("{} from {}", percent(last.ppm),
                                                  page_time(rollout.ramp.start + last.after))) +
                      fact("This cluster <span class=\"dot\"></span>", turn_of(rollout, page));
  if (rollout.deadline)
    facts += fact("Deadline", page_time(rollout.ramp.start + *rollout.deadline));
  if (rollout.soak > 0) facts += fact("Soak", page_duration(rollout.soak));
  if (rollout.canary)
    facts += fact("Canaries", rollout.canary->after == 0
                                  ? "from the start on"
                                  : page_duration(rollout.canary->after) + " after the start");
  return fmt::format("<article class=\"card\"><h3>{}</h3>{}<dl class=\"facts\">{}</dl></article>\n",
                     html(rollout.id), ramp_chart(rollout, page.unit, page.written), facts);
}

// Failures that have something in common.
struct Kind {
  std::size_t count = 0;
  std::string nodes;  // HTML, the first few
};
using Kinds = std::map<std::string, Kind>;

void count(Kinds& kinds, const std::string& name, const std::string& node) {
  constexpr std::size_t named = 8;
  auto& kind = kinds[name];
  if (++kind.count <= named) kind.nodes += (kind.count == 1 ? "" : ", ") + html(node, 40);
  if (kind.count == named + 1) kind.nodes += ", ...";
}

void add_rows(PageTable& table, const char* by, const Kinds& kinds) {
  std::vector<std::pair<std::string, Kind>> list(kinds.begin(), kinds.end());
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  for (const auto& [name, kind] : list)
    table.row({by, name, std::to_string(kind.count), kind.nodes});
}

}  // namespace

std::string rollouts_part(const FleetPage& page) {
  if (!page.plan) {
    if (page.no_plan.empty()) return "";
    return page_section("Rollouts", page_quiet("No plan counts here: " + html(page.no_plan)));
  }
  const auto& plan = *page.plan;
  std::string text = page_quiet(fmt::format(
      "By the signed plan, serial {}, {} to {}. Shares are of all clusters of the plan.",
      plan.serial, page_time(plan.issued), page_time(plan.expires)));
  text += "<div class=\"cards\">";
  for (const auto& rollout : plan.rollouts) text += card(rollout, page);
  return page_section("Rollouts", text + "</div>");
}

std::string failures_part(const fleet::GateFacts& gate) {
  if (gate.failures.empty()) return page_section("Failures", page_quiet("None counts."));
  Kinds classes, hardware, rollouts;
  for (const auto& one : gate.failures) {
    const auto stage = one.stage.empty() ? "" : "<b>" + html(one.stage) + "</b>: ";
    count(classes, stage + html(one.why), one.node + (one.canary ? " (canary)" : ""));
    count(hardware, one.hardware.empty() ? "<em>not known</em>" : html(one.hardware), one.node);
    count(rollouts, html(one.rollout), one.node);
  }
  PageTable table({"By", "Which", "Failures", "Machines"});
  add_rows(table, "class", classes);
  add_rows(table, "hardware", hardware);
  add_rows(table, "rollout", rollouts);
  return page_section("Failures", table.take());
}

}  // namespace cube::cli
