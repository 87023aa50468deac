// Compressed archives in initramfs images, and compressed modules: recognised by their first bytes,
// decompressed within bounds. gzip, xz, zstd and lz4: what Linux unpacks an initramfs and modules
// with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace cube {

// Do these first bytes (6 are enough) begin a stream that decompress() knows?
[[nodiscard]] bool is_compressed(std::string_view begin);

// Appends to `to` what the stream at `start` of `from` holds. Streams of one kind that follow each
// other directly count as one. The result is the position after them. `name` is for messages.
// Errors: invalid (damaged, cut off, or more than max_bytes), no_space, failed.
Result<std::uint64_t> decompress(const Fd& from, std::uint64_t start, const Fd& to,
                                 std::uint64_t max_bytes, const std::string& name);

}  // namespace cube
