// FleetGate: may this machine restart into its trial now? First what the machine's own schedule
// says, then the cluster's gate, which a place is taken at.
#pragma once

#include <functional>

#include "agent/fleet/participant.h"
#include "agent/start_gate.h"

namespace cube::fleet {

class FleetGate final : public StartGate {
 public:
  // What a place for this update is wanted for. Errors: it may not restart, and why.
  using TurnOf = std::function<Result<Turn>(const Update& update)>;

  // The references outlive it.
  FleetGate(const StartGate& schedule, Participant& participant, TurnOf turn_of)
      : schedule_(schedule), participant_(participant), turn_of_(std::move(turn_of)) {}

  // Of the cluster it tells what it said when it was asked last.
  [[nodiscard]] Result<std::string> holds_back(const Update& update,
                                               UnixSeconds now) const override;
  Result<std::string> admit(const Update& update, UnixSeconds now) override;

 private:
  const StartGate& schedule_;
  Participant& participant_;
  TurnOf turn_of_;
};

}  // namespace cube::fleet
