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

// What an operator wants although a rule speaks against it.
struct Insistence {
  bool allow_downgrade = false;  // a named release may be older than what was committed here
  bool past_floor = false;       // a release that cannot read the state here (Release::schema)
  bool allow_blocked = false;    // a release that the fleet's plan blocks
};

// What counts when a release is judged for this machine. Tells the source what time is certainly
// past. Errors: invalid (no product known), and those of SlotStore.
Result<Standing> standing_of(Appliance& appliance, const Journal& journal,
                             const Insistence& insistence = {});

// `wanted` names a release; "" takes the newest that this machine may take and that is newer than
// the one that runs.
// Errors: nothing_to_do, unsuitable (also: not offered), refused (it cannot read the state here),
// untrusted, unreachable, corrupt, invalid (no product known).
Result<Selection> select_release(Appliance& appliance, const Journal& journal,
                                 const std::string& wanted, const Insistence& insistence = {});

// An update that goes back to the release in the other slot, sealed by an earlier update.
// Errors: unsuitable (no seal there, or an epoch below the floor), refused (it cannot read the
// state here, and nobody insists).
Result<Update> return_to_other_slot(Appliance& appliance, const Journal& journal,
                                    const Insistence& insistence);

// The same, for a trial that fails on purpose: started once, given up whatever comes of it. Errors:
// as return_to_other_slot; unsuitable (the program there does not know of rehearsals).
Result<Update> rehearsal_in_other_slot(Appliance& appliance, const Journal& journal, Rehearsal how);

}  // namespace cube
