#include "agent/slot_kernel_source.h"

#include "slots/mounted_slot.h"

namespace cube {

Status SlotKernelSource::with_tree(SlotId slot, const Reader& read) const {
  CUBE_TRY(const auto place, pair_.place(slot));
  CUBE_TRY(const auto booted, pair_.booted());
  CUBE_TRY(const auto mounted, MountedSlot::open(root_, slot, place, booted == slot, Access::read));
  return read(mounted.tree());
}

}  // namespace cube
