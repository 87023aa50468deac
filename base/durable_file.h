// Two ways to write a file that survive a power cut at any instant.
//
// replace_file: after the cut the file has the old or the new content, whole (temporary file, fsync,
//   rename, fsync of the folder). For filesystems with atomic rename; not for FAT, and not for a
//   file that a boot loader reads.
// overwrite_in_place: the file keeps its blocks and its length; content of up to 512 bytes from the
//   start changes as one sector (GRUB environment block: docs/boot-environment.md).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

// `path` is relative to root; its folder must exist. Idempotent. Leftover temporary files
// (".NAME.new") of an earlier cut are replaced. Errors: no_space, failed.
Status replace_file(const RootDir& root, const std::string& path, std::string_view content,
                    mode_t mode = 0644);

// The file must exist, be a regular file and have exactly content.size() bytes: opened without
// O_TRUNC and without following a last symlink, written, fsynced, read back and compared.
// Errors: not_found, corrupt (other size, read back differs), no_space, failed.
Status overwrite_in_place(const RootDir& root, const std::string& path, std::string_view content);

// fsync of a folder: the names in it are durable. Errors: failed.
Status sync_folder(const RootDir& root, const std::string& path);

}  // namespace cube
