// OstreeSlotStore: the SlotStore of a real appliance, and of one laid out in a folder.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/root_dir.h"
#include "slots/etc_difference.h"
#include "slots/mounted_slot.h"
#include "slots/pack/object.h"
#include "slots/slot_drift.h"
#include "slots/slot_pair.h"
#include "slots/slot_store.h"

namespace cube {

class OstreeSlotStore final : public SlotStore {
 public:
  // `root` outlives it.
  OstreeSlotStore(const RootDir& root, SlotsConfig config)
      : root_(root), config_(std::move(config)), pair_(root_, config_) {}

  [[nodiscard]] Result<SlotId> booted() const override { return pair_.booted(); }
  [[nodiscard]] Result<std::optional<Seal>> seal_of(SlotId slot) const override;
  // Where the slot is. No part of the port. Errors: as SlotPair::place.
  [[nodiscard]] Result<SlotPlace> place(SlotId slot) const { return pair_.place(slot); }
  // The slot's tree, to be read while the result lives; the other slot must not be in work. No part
  // of the port. Errors: corrupt (no filesystem that can be mounted), cannot_arm, failed.
  [[nodiscard]] Result<MountedSlot> look_into(SlotId slot) const;
  // What the running system made of the /etc that its release brought, and, if `pending`, where the
  // release in the other slot changed the same. No part of the port; both slots are only read, and
  // the other one must not be in work. Errors: not_found (no seal, or its commit is not there),
  // corrupt, failed.
  [[nodiscard]] Result<EtcDifferences> etc_differences(bool pending) const;
  // What became of the tree that runs since it was sealed. No part of the port. Errors: not_found
  // (no seal: nobody knows what was there), and those of drift_of().
  [[nodiscard]] Result<Drift> drift(bool full, const ProgressSink& progress) const;
  Status stage(SlotId target, const Release& release, const ObjectSource& source,
               const ProgressSink& progress) override;
  Status unseal(SlotId target) override;
  Status fill(SlotId target, const Release& release, const ObjectSource& source,
              const ProgressSink& progress) override;
  Status carry_over(SlotId target, const Release& release) override;
  Status verify(SlotId target, const Release& release, const ProgressSink& progress) override;
  Status verify_after_use(SlotId target, const Release& release,
                          const ProgressSink& progress) override;
  Status seal(SlotId target, const Release& release, std::uint64_t attempt) override;

 private:
  // Refuses the booted slot. Errors: bug, and those of SlotPair.
  [[nodiscard]] Result<SlotPlace> writable(SlotId target) const;
  [[nodiscard]] Result<MountedSlot> open_for_filling(SlotId target, const SlotPlace& place) const;

  const RootDir& root_;
  SlotsConfig config_;
  SlotPair pair_;
  // What verify() proved in this process, until something changes.
  struct Proof {
    SlotId slot{};
    std::string commit;
  };
  std::optional<Proof> proof_;
  // What the last verify() of this process found; not to be reused.
  struct Damage {
    SlotId slot{};
    std::vector<ObjectId> objects;
  };
  Damage damage_;
};

}  // namespace cube
