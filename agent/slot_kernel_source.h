// SlotKernelSource: the KernelSource of a real appliance: the slot is mounted to be read.
#pragma once

#include "boot/kernel_source.h"
#include "slots/slot_pair.h"

namespace cube {

class SlotKernelSource final : public KernelSource {
 public:
  // `root` outlives it.
  SlotKernelSource(const RootDir& root, SlotsConfig config)
      : root_(root), config_(std::move(config)), pair_(root_, config_) {}

  Status with_tree(SlotId slot, const Reader& read) const override;

 private:
  const RootDir& root_;
  SlotsConfig config_;
  SlotPair pair_;
};

}  // namespace cube
