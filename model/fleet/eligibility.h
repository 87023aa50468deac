// Eligibility: may this machine begin an update now, by the plan alone? If not, every reason why
// not, each with the time when it ends where that is known. One pure function: the agent,
// `--explain` and whoever rehearses a plan ask the same.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/fleet/plan.h"
#include "model/fleet/plan_windows.h"

namespace cube::fleet {

// What a plan is judged against.
struct NodeFacts {
  std::string unit;                 // what the ramp counts: the cluster's name, or the machine's
  std::vector<std::string> labels;  // "canary=true"
  std::string running;              // name of the running release; "": not known
  UnixSeconds running_since = 0;    // when it was committed here; 0: not known, so long ago
  std::vector<std::string> denied;  // names of releases that are denied here
  std::map<std::string, std::uint32_t> failed;  // updates that failed here, by release
  UnixSeconds not_before = 0;                   // a time that is certainly past
  Seconds restart_takes = 900;  // from the restart to the commit, at most: what must fit a window
};

// What a reason means for whoever waits.
enum class Holds {
  until_later,    // ends by itself
  until_changed,  // ends only with another plan or with an operator
  nothing_to_do,
};

// Stable words: JSON, docs/formats/rollout-plan.md.
struct Reason {
  std::string_view word;  // "halted", "not-in-ramp", ...
  std::string sentence;   // for people, without the time
  std::optional<UnixSeconds> until = {};
  Holds holds = Holds::until_changed;
  bool restart_only = false;  // the download may begin all the same
};

// With its time.
[[nodiscard]] std::string told(const Reason& reason);

// Of one rollout of the plan.
struct RolloutJudgement {
  std::string id;
  std::string release;
  std::uint32_t bucket = 0;
  std::uint32_t ppm = 0;                // at that time
  bool canary = false;                  // this unit is one
  bool forced = false;                  // its deadline is over
  std::optional<UnixSeconds> eligible;  // since or from when its ramp lets this unit begin
  std::vector<Reason> reasons;          // why not; empty: nothing in this rollout
};

struct Judgement {
  std::vector<Reason> reasons;             // that hold whatever the rollout
  std::vector<RolloutJudgement> rollouts;  // as in the plan
  // Of `rollouts`, the newest release that may be downloaded now; nullopt: none.
  std::optional<std::size_t> chosen;

  // The release to download; "": none.
  [[nodiscard]] std::string may_begin() const {
    return chosen ? rollouts[*chosen].release : std::string();
  }
  // The chosen one may also restart now.
  [[nodiscard]] bool may_restart() const { return chosen && reasons.empty(); }
  // What all reasons come to, when nothing may begin or restart.
  [[nodiscard]] Holds outcome() const;
  // The most telling reason and its time, a sentence; "": it may.
  [[nodiscard]] std::string why_not() const;
};

[[nodiscard]] Judgement judge(const Plan& plan, const PlanWindows& windows, const NodeFacts& node,
                              UnixSeconds now);

}  // namespace cube::fleet
