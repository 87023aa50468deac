// The examination of drivers: what this machine is, read from it, held against a release.
#pragma once

#include <functional>
#include <string>

#include "agent/foresight/local_foresight.h"

namespace cube {

// `device_of`: the slot's block device, below the root; "": it is a folder. A release without an
// inventory is not examined, for nobody knows what its initramfs holds.
[[nodiscard]] Examination driver_examination(std::function<Result<std::string>(SlotId)> device_of);

}  // namespace cube
