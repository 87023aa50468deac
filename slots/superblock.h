// The superblock of a slot: which filesystem it holds, and the features of its format. Foreign
// bytes: a fixed number of them is read, and nothing is followed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/filesystem.h"

namespace cube {

inline constexpr std::size_t superblock_bytes = 2048;  // from the start of the device

// Of the first superblock_bytes. Errors: corrupt (too short, or neither ext4 nor xfs).
[[nodiscard]] Result<Filesystem> parse_superblock(std::string_view begin);
// A device, or an image file. Errors: not_found, corrupt, failed.
[[nodiscard]] Result<Filesystem> read_superblock(const std::string& device);

}  // namespace cube
