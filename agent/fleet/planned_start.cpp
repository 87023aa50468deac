#include "agent/fleet/planned_start.h"

#include <algorithm>

#include "agent/fleet/plan_source.h"

namespace cube::fleet {

Result<PlanWindows> windows_here(const Plan& plan, const Schedule& schedule) {
  const auto& local = schedule.windows();
  if (!local) return local.error();
  CUBE_TRY(auto windows, PlanWindows::of(plan, local->zone()));
  windows.add(*local);
  return windows;
}

Result<std::string> PlannedStart::plan_holds(const std::string& release, UnixSeconds now) const {
  CUBE_TRY(const auto force, PlanSource(root_).kept());
  CUBE_TRY(const auto windows, windows_here(force.plan, schedule_));
  CUBE_TRY(const auto node, facts_());
  const auto found = judge(force.plan, windows, node, now);
  if (!found.reasons.empty()) return told(found.reasons.front());
  const auto rollout =
      std::find_if(found.rollouts.begin(), found.rollouts.end(),
                   [&](const RolloutJudgement& each) { return each.release == release; });
  if (rollout == found.rollouts.end()) return "it has no rollout of " + release;
  return rollout->reasons.empty() ? "" : told(rollout->reasons.front());
}

Result<std::string> PlannedStart::holds_back(const Update& update, UnixSeconds now) const {
  CUBE_TRY(auto held, before_.holds_back(update, now));
  // A return leads away from what the plan is about; at once is an operator's word.
  if (!held.empty() || update.start == Start::at_once || update.returning) return held;
  auto by_plan = plan_holds(update.release.name.text, now);
  if (!by_plan) return std::move(by_plan).error().in("rollout plan");
  return by_plan->empty() ? *by_plan : "waits for the rollout plan: " + *by_plan;
}

}  // namespace cube::fleet
