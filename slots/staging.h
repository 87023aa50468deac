// The staging folder: where objects of a release wait that were downloaded ahead.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/root_dir.h"
#include "slots/slot_store.h"

namespace cube {

// Left free on the disk that the staging folder is on: the journal and logs live there, too.
inline constexpr std::uint64_t staging_spare_bytes = 64ULL * 1024 * 1024;

// Before the first byte of a stage(): `source.staging` may hold `total` bytes, of which `missing`
// are still to come, and the disk has room for them with some to spare. The folder or one of its
// parents exists. Errors: no_space (with the figures), failed.
Status check_staging(const RootDir& root, const ObjectSource& source, std::uint64_t total,
                     std::uint64_t missing);

}  // namespace cube
