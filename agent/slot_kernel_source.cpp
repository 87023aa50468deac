#include "agent/slot_kernel_source.h"

namespace cube {

Status SlotKernelSource::with_tree(SlotId slot, const Reader& read) const {
  CUBE_TRY(const auto mounted, slots_.look_into(slot));
  return read(mounted.tree());
}

}  // namespace cube
