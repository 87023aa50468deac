// Downloads a pack whole, for others: its chunks go where those of a download ahead go, so that
// what is there is not fetched again, and header and index join them.
#pragma once

#include <cstdint>
#include <functional>

#include "base/progress.h"
#include "slots/pack/pack_source.h"

namespace cube {

// Whether `missing` of a file's `total` bytes may come. Its error is passed on.
using RoomCheck = std::function<Status(std::uint64_t total, std::uint64_t missing)>;

// Afterwards `place.staged` is the pack, every byte of it as the manifest says, and durable. Its
// folder exists. `progress` is told as of get_chunks(). Errors: as that; those of `room`.
Status get_whole_pack(const PackPlace& place, const RoomCheck& room, const ProgressSink& progress);

}  // namespace cube
