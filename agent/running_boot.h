// RunningBoot: the port to facts about the boot we live in.
#pragma once

#include <string>

#include "base/result.h"
#include "model/started_by.h"

namespace cube {

struct BootFacts {
  std::string boot_id;     // differs between any two boots
  bool trial_boot = false;  // the loader started this kernel as a trial (cube.trial=1)
  StartedBy started_by = StartedBy::unknown;
};

class RunningBoot {
 public:
  virtual ~RunningBoot() = default;
  // Errors: failed.
  [[nodiscard]] virtual Result<BootFacts> facts() const = 0;
};

}  // namespace cube
