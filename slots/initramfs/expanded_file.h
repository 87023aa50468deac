// A compressed file as bytes in memory: a kernel module, which is small.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace cube {

// The whole of it, decompressed as decompress() does. Several threads may do it at once.
// Errors: invalid (damaged, or more than max_bytes), failed.
[[nodiscard]] Result<std::string> expanded_file(const Fd& file, std::uint64_t max_bytes,
                                                const std::string& name);
// `size` bytes at `at`. Errors: invalid (the file ends before), failed.
[[nodiscard]] Result<std::string> read_piece(const Fd& file, std::uint64_t at, std::uint64_t size);

}  // namespace cube
