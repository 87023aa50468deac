// The watchdog devices that the running kernel has, as sys/class/watchdog below the root tells.
//
// A device is a promise of its driver, no proof: on some boards a strap keeps iTCO from resetting
// the machine, and softdog dies with the kernel that it watches.
#pragma once

#include <string>
#include <vector>

#include "base/root_dir.h"

namespace cube {

struct WatchdogDevice {
  enum class Kind { hardware, unproven, software };  // unproven: iTCO
  std::string name;                                  // "watchdog0"
  std::string identity;                              // what the driver calls it; printable
  Kind kind = Kind::hardware;
  bool active = false;
  std::string seconds;  // its timeout, as the kernel writes it; "" when unknown
};

// At most 16, in order of their names. Errors: corrupt (too many entries), failed.
[[nodiscard]] Result<std::vector<WatchdogDevice>> watchdog_devices(const RootDir& root);

}  // namespace cube
