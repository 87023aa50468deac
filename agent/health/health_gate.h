// HealthGate: the port to "is this machine well?", asked once in each trial before the commit.
// Needs neither network nor D-Bus daemon.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace cube {

struct Check {
  std::string name;
  bool passed = false;
  std::string detail;  // one line, bounded; why it failed
};

struct Verdict {
  bool passed = false;  // every required check passed
  std::vector<Check> checks;
};

class HealthGate {
 public:
  virtual ~HealthGate() = default;
  // Runs all required checks, bounded in time and output. A check that cannot be run has failed.
  // Errors: failed (the gate itself could not work: counts as not healthy).
  virtual Result<Verdict> check() = 0;
};

}  // namespace cube
