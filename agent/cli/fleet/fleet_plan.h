// The signed rollout plan on this machine, for the commands that heed it and the one that tells it.
#pragma once

#include <string>

#include "agent/appliance.h"
#include "agent/cli/commands.h"
#include "agent/fleet/plan_source.h"
#include "model/fleet/eligibility.h"

namespace cube::cli {

struct PlanView {
  fleet::PlanInForce force;
  fleet::NodeFacts node;
  fleet::PlanWindows windows;
  fleet::Judgement judgement;
  std::string out_of_reach;  // why the plan is the one that was believed last; "": it is the newest
};

// As the source has it; while that is out of reach, as it was believed last.
// Errors: as PlanSource, refused (the source has no plan), invalid.
Result<PlanView> view_plan(Appliance& appliance, const Journal& journal, UnixSeconds at);

// The release that this machine may begin to download. Errors: nothing_to_do (none, or not yet,
// with the reason), refused (the plan forbids it).
Result<std::string> release_by_plan(const PlanView& view);

// Before a release is chosen by hand: the plan's bans as the source has them now. One without a
// plan changes nothing, and neither does one out of reach. Errors: as PlanSource.
Status refresh_bans(Appliance& appliance);

struct FleetPlanOptions {
  bool explain = false;
  std::string at;  // "": now
  std::string from, through;
};
Result<int> fleet_plan(const Common& common, const FleetPlanOptions& options);

struct FleetWindowOptions {
  std::string from;  // "": now
  std::int64_t days = 30;
};
// When this machine may restart in the coming days, by its plan, its site and itself.
Result<int> fleet_window_test(const Common& common, const FleetWindowOptions& options);

}  // namespace cube::cli
