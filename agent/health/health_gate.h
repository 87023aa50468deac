// HealthGate: the port to "is this machine well?", asked once in each trial before the commit, and
// once before each update, to know what was not well by then.
// Needs neither network nor D-Bus daemon.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace cube {

struct Check {
  std::string name;
  bool passed = false;
  std::string detail;          // one line, bounded; why it failed
  bool required = true;        // a failed one that is only wanted is told, and decides nothing
  bool failed_before = false;  // nor does one that failed before the update already
  int tries = 1;               // how often it was asked
};

struct Verdict {
  bool passed = false;  // every required check passed, or had failed before
  std::vector<Check> checks;
};

struct HealthQuestion {
  std::optional<Seconds> within;           // for all of it; nullopt: as configured
  std::vector<std::string> failed_before;  // names, cut at max_check_name (model/update.h)
  int most_retries = std::numeric_limits<int>::max();  // besides the configured limit
  // Called before each check and while waiting; false: stop, what is not well now has failed.
  std::function<bool()> meanwhile = [] { return true; };
};

class HealthGate {
 public:
  virtual ~HealthGate() = default;
  // Runs all checks, bounded in time and output. What fails is asked again, as configured, until
  // the time is up. A check that cannot be run, or has no time left, has failed. Errors: failed
  // (the gate itself could not work: counts as not healthy).
  virtual Result<Verdict> check(const HealthQuestion& question) = 0;
  // Keeps the verdict of an attempt, for people. Errors: no_space, failed.
  virtual Status keep(std::uint64_t attempt, const Verdict& verdict) = 0;
};

}  // namespace cube
