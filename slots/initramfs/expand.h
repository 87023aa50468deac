// An initramfs image as Linux reads it (Documentation/driver-api/early-userspace/buffer-format):
// cpio archives one after the other, each as it is or compressed, zero bytes between them.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace cube {

constexpr std::uint64_t max_initramfs_bytes =
    1024ULL * 1024 * 1024;  // expanded; it must fit in RAM

// Writes the image to the empty file `to` with every compressed archive expanded and all else as it
// is, each archive at a multiple of 4 as the kernel demands. The kernel unpacks the same files from
// both. An archive right behind one that is compressed with xz, zstd or lz4 is refused: only of
// gzip libarchive finds the end. False when nothing was compressed. `name` is for messages. Errors:
// invalid (no initramfs, compressed in an unknown way, damaged, too large), no_space, failed.
Result<bool> expand_initramfs(const Fd& from, const Fd& to, const std::string& name);

}  // namespace cube
