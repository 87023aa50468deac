// Selection: which release an `apply` or `check` is about.
#pragma once

#include <string>
#include <vector>

#include "agent/appliance.h"
#include "keys/verified.h"
#include "model/policy.h"
#include "model/release.h"

namespace cube {

struct Selection {
  Verified<Release> release;
  std::vector<std::string> passed_over;  // newer ones that this machine may not take, with reasons
};

// What counts when a release is judged for this machine. Tells the source what time is certainly
// past. Errors: invalid (no product known), and those of SlotStore.
Result<Standing> standing_of(Appliance& appliance, const Journal& journal,
                             bool allow_downgrade = false);

// `wanted` names a release; "" takes the newest that this machine may take and that is newer than
// the one that runs. `allow_downgrade`: a named one may be older than what was committed here.
// Errors: nothing_to_do, unsuitable (also: not offered), untrusted, unreachable, corrupt, invalid
// (no product known).
Result<Selection> select_release(Appliance& appliance, const Journal& journal,
                                 const std::string& wanted, bool allow_downgrade = false);

// An update that goes back to the release in the other slot, sealed by an earlier update.
// Errors: unsuitable (no seal there, or an epoch below the floor).
Result<Update> return_to_other_slot(Appliance& appliance, const Journal& journal);

}  // namespace cube
