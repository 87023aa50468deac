// The file of a GRUB environment block: how it is read and written so that GRUB finds it whole.
//
// Guarantees: only regular files, never through a symlink, which GRUB may resolve to another
// filesystem than we do. Never a rename and never a truncation: GRUB does not replay a journal, and
// FAT has no atomic rename. After an ok the bytes were fsynced and read back.
#pragma once

#include <string>

#include "base/root_dir.h"

namespace cube {

// At most one block. Errors: not_found, corrupt (a symlink, no regular file, longer), failed.
[[nodiscard]] Result<std::string> read_block(const RootDir& root, const std::string& path);

// In place where `path` is a block already. Missing, of another length or a symlink: made anew, in a
// folder that must exist; below an unmounted boot partition it would be the wrong one.
// Errors: cannot_arm (no folder), no_space, corrupt (read back differs), failed.
Status write_block(const RootDir& root, const std::string& path, const std::string& bytes);

}  // namespace cube
