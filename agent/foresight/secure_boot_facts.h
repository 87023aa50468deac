// The facts that secure_boot_findings() of insight/ wants: the firmware's variables, and what the
// firmware, shim and the loader start on this machine. Changes nothing.
#pragma once

#include <string>

#include "base/root_dir.h"
#include "insight/fit/secure_boot_fit.h"
#include "model/slot_id.h"

namespace cube {

struct BootTrees {
  const RootDir& machine;  // the running system
  const RootDir& running;  // the slot that runs
  const RootDir& staged;
  SlotId slot;      // the staged one
  std::string esp;  // where the EFI system partition is mounted, below `machine`
};

// What cannot be read is a fact of its own.
[[nodiscard]] insight::SecureBootFacts secure_boot_facts(const BootTrees& trees);

}  // namespace cube
