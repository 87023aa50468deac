// PlannedStart: may a staged update begin its trial now? First what the machine's own schedule
// says, then the rollout plan as it was believed last: its halts, bans, ramps and windows.
#pragma once

#include <functional>
#include <string>

#include "agent/schedule/schedule.h"
#include "agent/start_gate.h"
#include "base/root_dir.h"
#include "model/fleet/eligibility.h"

namespace cube::fleet {

// The plan's windows and the machine's own, which must all be open. Errors: invalid, failed.
[[nodiscard]] Result<PlanWindows> windows_here(const Plan& plan, const Schedule& schedule);

class PlannedStart final : public StartGate {
 public:
  using Facts = std::function<Result<NodeFacts>()>;

  // `before` is asked first. The references outlive it.
  PlannedStart(StartGate& before, const Schedule& schedule, const RootDir& root, Facts facts)
      : before_(before), schedule_(schedule), root_(root), facts_(std::move(facts)) {}

  // Without a plan: held.
  [[nodiscard]] Result<std::string> holds_back(const Update& update,
                                               UnixSeconds now) const override;

 private:
  [[nodiscard]] Result<std::string> plan_holds(const std::string& release, UnixSeconds now) const;

  StartGate& before_;
  const Schedule& schedule_;
  const RootDir& root_;
  Facts facts_;
};

}  // namespace cube::fleet
