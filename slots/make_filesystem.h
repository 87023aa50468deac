// Filesystems that the boot loader can read.
//
// GRUB 2.06 (grub-core/fs/ext2.c, its lists of incompatible features) reads ext4 with a fixed set of
// features. A newer mke2fs turns on others by default (metadata_csum_seed, orphan_file), so they are
// pinned here, and the superblock is looked at again before a slot is filled and sealed.
#pragma once

#include <string>

#include "base/result.h"

namespace cube {

// Makes an empty ext4 on a device or image file. Everything on it is lost. The caller guarantees that
// it is not the booted slot. Errors: failed (mkfs.ext4 says why).
Status make_ext4(const std::string& device, const std::string& label);

// Errors: cannot_arm (ext4 with a feature the loader does not know: named by its bit), corrupt
// (neither ext4 nor xfs, or the kernel noted damage in it), failed.
Status check_loader_readable(const std::string& device);

}  // namespace cube
