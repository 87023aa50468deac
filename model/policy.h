// May this release be installed on this machine? One pure function; belief (signatures) comes
// before it, space and health come after it.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "model/journal.h"
#include "model/release.h"

namespace cube {

// What the machine is, and what it has committed before.
struct Standing {
  std::string product;
  std::string running;  // name of the running release, "" when unknown
  Floor floor;
  // An operator's explicit wish: an older release than the floor's, but never of a lower epoch.
  bool allow_downgrade = false;
  std::uint64_t schema = 0;  // of the state here: what the release committed last writes
  // An operator's explicit wish: also a release that cannot read that.
  bool past_floor = false;
  std::map<std::string, std::string> blocked = {};  // names, and by what: "by the rollout plan: ..."
};

// A release of this schema can read the state that is here, or an operator insists. `name`: of the
// release. Errors: refused.
Status reads_state(const std::string& name, std::uint64_t schema, const Standing& standing);

// Errors: refused (reads_state), unsuitable (other product, epoch below the floor, older than the
// newest release ever committed, denied, blocked), nothing_to_do (it runs already).
Status admissible(const Release& release, const Standing& standing, const Journal& journal);

// The higher epoch and the newer release of both.
[[nodiscard]] Floor higher(const Floor& left, const Floor& right);

}  // namespace cube
