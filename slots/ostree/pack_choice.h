// Which packs of a release are worth asking, given what a machine's slots have. Inside slots/ostree
// only.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/release.h"
#include "slots/pack/pack_plan.h"
#include "slots/pack/pack_source.h"
#include "slots/slot_store.h"

namespace cube {

// By name: whether they are sound is another matter. Sorted.
struct ObjectsAtHand {
  std::vector<ObjectId> own;      // of the slot that is filled
  std::vector<ObjectId> running;  // of the running slot, as far as they are not known to be damaged

  [[nodiscard]] bool in_own(const ObjectId& id) const;
  [[nodiscard]] bool in_running(const ObjectId& id) const;
  // They were copied.
  void add_own(const std::vector<ObjectId>& ids);
  // It turned out to be damaged.
  void forget_own(const ObjectId& id);
  void forget_running(const ObjectId& id);
};

// Paths of repositories; "", and one that is not there, have nothing. Errors: corrupt, failed.
Result<ObjectsAtHand> look_at_hand(const std::string& own, const std::string& running);

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
