// Is there room for what starting a release writes: entries in the firmware's variables, a kernel
// on the EFI system partition, the state folder? The slot itself is full of it already.
#pragma once

#include <string>

#include "base/root_dir.h"
#include "insight/finding.h"
#include "model/slot_id.h"

namespace cube {

// "space:nvram", "space:esp", "space:state"; those that the loader has no use for are left out.
// What the loader's adapter asks for when it arms is asked before, so that nothing is half done.
[[nodiscard]] insight::Findings room_findings(const RootDir& machine, const RootDir& staged,
                                              SlotId slot, const std::string& loader,
                                              const std::string& esp);

}  // namespace cube
