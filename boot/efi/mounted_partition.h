// Which partition is mounted in a folder, in the terms of the firmware: what sysfs and the disk's
// own GPT say of it. No udev, no library.
#pragma once

#include <string>

#include "base/root_dir.h"
#include "boot/efi/load_option.h"

namespace cube {

// `folder`: a mount point below the root. The numbers come from sysfs and must be those of the GPT.
// Errors: cannot_arm (not a mount point, no partition of a GPT disk: RAID, LVM, MBR; the GPT and
// the kernel differ), failed.
[[nodiscard]] Result<GptPartition> partition_mounted_at(const RootDir& root,
                                                        const std::string& folder);

// MAJOR:MINOR of what is mounted at `folder` ("/boot/efi"): the last line of proc/self/mountinfo
// that has it; "" if none has. Foreign text, pure.
[[nodiscard]] std::string device_mounted_at(std::string_view mountinfo, std::string_view folder);

}  // namespace cube
