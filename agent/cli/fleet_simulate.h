// cube-update fleet simulate: what a rollout plan would do to an inventory. Needs no appliance.
#pragma once

#include <cstdint>
#include <string>

#include "agent/cli/commands.h"

namespace cube::cli {

struct FleetSimulateOptions {
  std::string plan;            // file: a plan's text, as it is signed or as it is drafted
  std::string inventory;       // file
  std::string html;            // file; "": no page
  std::uint32_t failures = 0;  // of a million trials
  std::uint64_t seed = 1;
  std::string install_time = "PT20M", away_time = "PT15M";
  std::string from;  // "": from when the plan was issued
  std::int64_t days = 30;
};
Result<int> fleet_simulate(const Common& common, const FleetSimulateOptions& options);

}  // namespace cube::cli
