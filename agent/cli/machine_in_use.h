// What this machine uses right now, as its kernel tells.
#pragma once

#include "base/root_dir.h"
#include "insight/difference/machine_use.h"

namespace cube::cli {

// Modules that are loaded, and those built in that drive a device; the firmware that these name, as
// far as the release that runs has it. What cannot be read is said in `why`.
// `tree`: of the slot that runs.
[[nodiscard]] insight::MachineUse machine_in_use(const RootDir& root, const RootDir& tree,
                                                 const insight::Inventory& running);

}  // namespace cube::cli
