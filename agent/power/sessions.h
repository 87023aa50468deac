// Sessions: the port to people who are logged in on a machine that is about to restart.
#pragma once

#include "model/update.h"

namespace cube {

class Sessions {
 public:
  virtual ~Sessions() = default;
  // Tells everybody who is logged in that the machine restarts into this update; how many seconds
  // they are to be given for it. 0: nobody is there, or the operator wants no waiting. Whoever
  // cannot be told is no reason not to restart.
  [[nodiscard]] virtual Seconds warn(const Update& update) = 0;
};

}  // namespace cube
