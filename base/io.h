// Whole reads and writes on a descriptor: short counts and EINTR are handled here and nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace cube {

// Everything from the current offset to the end. Errors: corrupt (more than max_bytes), failed.
Result<std::string> read_all(const Fd& fd, std::size_t max_bytes);
// Exactly `length` bytes from `offset` on, into `bytes`; the file offset does not move.
// Errors: corrupt (the file ends before), failed.
Status read_at(const Fd& fd, std::uint64_t offset, std::size_t length, std::string& bytes);
// All bytes at the current offset. Errors: no_space, failed.
Status write_all(const Fd& fd, std::string_view bytes);
// All bytes at `offset`; the file offset does not move. Errors: no_space, failed.
Status write_at(const Fd& fd, std::string_view bytes, off_t offset);
// The same, but where `bytes` have nothing but zeros for a whole `shortest_hole` of the file (they
// begin at its multiples), nothing is written, and a new file gets no blocks. It may then end
// before them: its length is to be set at last. Errors: no_space, failed.
inline constexpr std::size_t shortest_hole = 65536;
Status write_around_zeros(const Fd& fd, std::string_view bytes, off_t offset);
// Data and metadata are on the device when this returns ok. A failed fsync is final: the kernel may
// have dropped the pages, so the caller must not retry it. Errors: no_space, failed.
Status sync_file(const Fd& fd);

}  // namespace cube
