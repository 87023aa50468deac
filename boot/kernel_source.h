// KernelSource: the port by which a boot loader's adapter reads a slot, for the loaders that cannot
// read slots themselves. boot/ does not know what a slot is made of; agent/ does.
#pragma once

#include <functional>

#include "base/result.h"
#include "base/root_dir.h"
#include "model/slot_id.h"

namespace cube {

class KernelSource {
 public:
  using Reader = std::function<Status(const RootDir& tree)>;

  virtual ~KernelSource() = default;

  // Calls `read` with the slot's tree, which is there only meanwhile. Returns what `read` returned.
  // Errors: corrupt (no filesystem that can be mounted), cannot_arm, busy, failed.
  virtual Status with_tree(SlotId slot, const Reader& read) const = 0;
};

}  // namespace cube
