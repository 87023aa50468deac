#include "agent/fleet/lock_gate.h"

namespace cube::fleet {
namespace {

std::string of_group(const std::string& said) {
  return said.empty() ? "" : "waits for its group: " + said;
}

}  // namespace

Result<std::string> LockGate::holds_back(const Update& update, UnixSeconds now) const {
  CUBE_TRY(auto held, schedule_.holds_back(update, now));
  if (!held.empty()) return held;
  CUBE_TRY(const auto told, turn_.told());
  return of_group(told);
}

Result<std::string> LockGate::admit(const Update& update, UnixSeconds now) {
  CUBE_TRY(auto held, schedule_.holds_back(update, now));
  if (!held.empty()) return held;
  auto asked = turn_.ask(update.attempt);
  if (!asked) return std::move(asked).error().in("the group's lock");
  return of_group(*asked);
}

}  // namespace cube::fleet
