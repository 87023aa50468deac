// Forecast: what a rollout plan would do to an inventory, machine by machine, before anybody
// believes the plan.
//
// It asks what the machines themselves will ask: judge() for when a machine may begin,
// decide_gate() and reason_to_halt() for the order in its cluster. Its own are only time and luck:
// an installation and an absence always take as long as the setup says, the next machine asks five
// minutes after a place went back, which is the latest, and a machine's luck in a rollout comes
// from the seed and its name alone. So two forecasts with the same input are the same, and a plan
// that is changed meets the same luck. No clock, no I/O but tzdata.
//
// Not in it: what a site or a machine adds to the plan (its own windows, holds, denials), machines
// that never come back, operators.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/fleet/inventory.h"
#include "model/fleet/plan.h"

namespace cube::fleet {

struct ForecastSetup {
  UnixSeconds from = 0, until = 0;
  Seconds install_time = 1200;  // from when a machine may begin until it asks for its restart
  Seconds away_time = 900;      // from taking a place to giving it back
  std::uint32_t failures = 0;   // of a million: trials that are rolled back
  std::uint64_t seed = 1;
};

// One machine's way through one rollout, as far as it came. 0: it did not come so far.
struct Passage {
  std::size_t cluster = 0, rollout = 0;  // places in inventory and plan
  UnixSeconds eligible = 0;              // the plan lets it begin
  UnixSeconds begun = 0;                 // it leaves for its trial
  UnixSeconds ended = 0;                 // it is back
  bool failed = false;                   // rolled back
};

// Machines that had something to do in a rollout, and whose trial did not begin by the end, for the
// same reason.
struct LeftBehind {
  std::string sentence;   // of the first such machine
  std::string cluster;    // that it is of
  bool for_good = false;  // only another plan or an operator changes that
  std::size_t machines = 0, clusters = 0;
};

struct HaltedCluster {
  std::size_t cluster = 0, rollout = 0;
  UnixSeconds at = 0;
  std::string why;
};

struct Forecast {
  std::vector<Passage> passages;
  // By place of the rollout and stable word, as of Reason::word and GateVerdict::word.
  std::map<std::pair<std::size_t, std::string>, LeftBehind> left;
  std::vector<HaltedCluster> halted;
};

// Errors: invalid (a window's zone, or a cluster's, is not known), failed (no tzdata).
[[nodiscard]] Result<Forecast> forecast(const Plan& plan, const Inventory& inventory,
                                        const ForecastSetup& setup);

}  // namespace cube::fleet
