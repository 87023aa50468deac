// Which packs of a release are worth asking, given what a machine's slots have. Inside slots/ostree
// only.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/release.h"
#include "slots/ostree/objects_at_hand.h"
#include "slots/pack/pack_plan.h"
#include "slots/pack/pack_source.h"
#include "slots/slot_store.h"

namespace cube {

// From the cheapest on: a delta whose older release is there, then the full pack.
[[nodiscard]] std::vector<PackPlace> usable_packs(const Release& release,
                                                  const ObjectSource& source,
                                                  const ObjectsAtHand& at_hand);

// What neither slot has.
[[nodiscard]] Wanted lacking(const PackIndex& index, const ObjectsAtHand& at_hand);

// Whether another place may have what failed here; not if this machine's own disk failed, for then
// the next, larger pack would only meet the same disk.
[[nodiscard]] bool another_may_have_it(const Error& error);

}  // namespace cube
