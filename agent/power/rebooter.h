// Rebooter: the port to "restart this machine now".
#pragma once

#include "base/result.h"

namespace cube {

class Rebooter {
 public:
  virtual ~Rebooter() = default;
  // Asks for the restart and returns; everything the agent wrote before is on the device already.
  // Errors: failed.
  virtual Status reboot() = 0;
};

}  // namespace cube
