// StartGate: the port to what may keep a staged update from its trial: the maintenance window, an
// absolute time, somebody who holds the machine, the other machines of its cluster. Updates that
// were asked for at once are not asked about.
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

  // The same, asked by who begins the trial unless something speaks against it, and once more right
  // before: what has to be taken for it, as a place among other machines, is taken. Errors: as
  // holds_back.
  virtual Result<std::string> admit(const Update& update, UnixSeconds now) {
    return holds_back(update, now);
  }
};

}  // namespace cube
