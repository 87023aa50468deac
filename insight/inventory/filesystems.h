// What a tree knows of filesystems: which its kernel reads, what finds and checks them, and with
// which features its tools make new ones. Pure.
#pragma once

#include <string>
#include <string_view>

#include "insight/inventory/inventory.h"

namespace cube::insight {

// Names of fs/NAME/NAME.ko in a list like modules.builtin.
[[nodiscard]] Names filesystem_modules(std::string_view list);
// Of one module's file below lib/modules/KERNEL: "xfs" for "kernel/fs/xfs/xfs.ko"; "" of others.
[[nodiscard]] std::string filesystem_of(std::string_view file);
// A program that finds, checks or mounts a root: "lvm", "fsck.ext4".
[[nodiscard]] bool is_root_tool(std::string_view program);
// etc/mke2fs.conf: "base_features" -> "sparse_super,...", "ext4.features" -> "has_journal,...".
[[nodiscard]] Entries mke2fs_features(std::string_view text);

}  // namespace cube::insight
