// Overlay: a file that takes what a virtual machine writes, so that the disk below is only read.
//
// An empty image in the format qcow2, version 2 (QEMU, docs/interop/qcow2.txt): every read of a
// place that was never written goes to the disk below.
#pragma once

#include <cstdint>

#include "base/fd.h"
#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

// A file without a name in var/tmp, or else in the state folder: nothing is left of it, whatever
// ends this process. Errors: no_space, failed.
[[nodiscard]] Result<Fd> nameless_file(const RootDir& root);

// Makes the empty file `file` an overlay for a disk of so many bytes; which disk is said to QEMU,
// and not written here. Errors: invalid (more than 64 TiB, or not whole sectors), no_space, failed.
Status make_overlay(const Fd& file, std::uint64_t disk_bytes);

// Bytes that the file takes on its own disk. Errors: failed.
[[nodiscard]] Result<std::uint64_t> bytes_taken(const Fd& file);

}  // namespace cube
