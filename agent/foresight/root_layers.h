// What lies between a filesystem and its disks, as sysfs shows it.
#pragma once

#include <string>

#include "base/result.h"
#include "base/root_dir.h"
#include "insight/inventory/inventory.h"

namespace cube {

// Of the block device MAJOR:MINOR: "lvm", "luks", "raid", "multipath"; none for a partition.
// Errors: not_found (no such device in sys/dev/block), failed.
[[nodiscard]] Result<insight::Names> layers_below(const RootDir& machine,
                                                  const std::string& device);

}  // namespace cube
