// cube-update fleet pause, resume, ...: this machine's part in its cluster, and what operators do to it.
#pragma once

#include <string>
#include <vector>

#include "agent/appliance.h"
#include "agent/cli/commands.h"

namespace cube::cli {

// Errors: invalid (fleet.cluster names none, or the configuration), failed.
Result<fleet::ClusterPart*> cluster_of(Appliance& appliance);

// Settles what is open at the gate, looks at it, and shows the others what becomes of this machine.
// Errors: as Participant.
Status take_part_in(Appliance& appliance, fleet::ClusterPart& cluster);

// With fleet.lock-url: gives the place back if its time has come. Errors: as LockTurn::settle.
Status settle_turn(Appliance& appliance);

struct FleetActOptions {
  std::string what;                 // the machine or release that it is about
  std::vector<std::string> limits;  // of `set`
  std::string reason;
  bool accept_failures = false;
  std::size_t entries = 50;  // of the log
};

// Errors of all: invalid (no cluster, no reason), and those of fleet/operator_acts.h.
// Errors: invalid (of no fleet), and whatever keeps the appliance from being opened; all else it
// tells.
Result<int> fleet_doctor(const Common& common);
Result<int> fleet_log(const Common& common, const FleetActOptions& options);
// `act`: "pause", "halt", "resume", "unlock", "block", "unblock", "abort",
// "forget", "set".
Result<int> fleet_act(const Common& common, const std::string& act, const FleetActOptions& options);

}  // namespace cube::cli
