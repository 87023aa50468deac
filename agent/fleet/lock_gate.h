// LockGate: may this machine restart into its trial now? First what the machine's own schedule
// says, then the FleetLock, of which a place is taken.
#pragma once

#include "agent/fleet/lock_turn.h"
#include "agent/start_gate.h"

namespace cube::fleet {

class LockGate final : public StartGate {
 public:
  // The references outlive it.
  LockGate(const StartGate& schedule, LockTurn& turn) : schedule_(schedule), turn_(turn) {}

  // Of the lock it tells what it said when it was asked last.
  [[nodiscard]] Result<std::string> holds_back(const Update& update,
                                               UnixSeconds now) const override;
  Result<std::string> admit(const Update& update, UnixSeconds now) override;

 private:
  const StartGate& schedule_;
  LockTurn& turn_;
};

}  // namespace cube::fleet
