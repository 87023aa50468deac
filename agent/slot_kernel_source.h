// SlotKernelSource: the KernelSource of a real appliance: the slot is mounted to be read.
#pragma once

#include "boot/kernel_source.h"
#include "slots/ostree/ostree_slot_store.h"

namespace cube {

class SlotKernelSource final : public KernelSource {
 public:
  // `slots` outlives it.
  explicit SlotKernelSource(const OstreeSlotStore& slots) : slots_(slots) {}

  Status with_tree(SlotId slot, const Reader& read) const override;

 private:
  const OstreeSlotStore& slots_;
};

}  // namespace cube
