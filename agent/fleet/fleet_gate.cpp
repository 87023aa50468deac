#include "agent/fleet/fleet_gate.h"

namespace cube::fleet {

namespace {

std::string of_cluster(const std::string& said) {
  return said.empty() ? "" : "waits for its cluster: " + said;
}

}  // namespace

Result<std::string> FleetGate::holds_back(const Update& update, UnixSeconds now) const {
  CUBE_TRY(auto held, schedule_.holds_back(update, now));
  if (!held.empty()) return held;
  CUBE_TRY(const auto told, participant_.told());
  return of_cluster(told);
}

Result<std::string> FleetGate::admit(const Update& update, UnixSeconds now) {
  CUBE_TRY(auto held, schedule_.holds_back(update, now));
  if (!held.empty()) return held;
  CUBE_TRY(const auto turn, turn_of_(update));
  auto asked = participant_.ask(turn);
  if (!asked) return std::move(asked).error().in("the cluster's gate");
  return of_cluster(*asked);
}

}  // namespace cube::fleet
