// StartGate: the port to what may keep a staged update from its trial: the maintenance window, an
// absolute time, somebody who holds the machine. Updates that were asked for at once are not asked
// about.
#pragma once

#include <string>

#include "base/result.h"
#include "model/journal.h"

namespace cube {

class StartGate {
 public:
  virtual ~StartGate() = default;
  // Why the trial may not begin now, and when it may, as one line for people; "": it may.
  // Errors: failed (cannot be told, so it may not).
  [[nodiscard]] virtual Result<std::string> holds_back(const Update& update,
                                                       UnixSeconds now) const = 0;
};

}  // namespace cube
