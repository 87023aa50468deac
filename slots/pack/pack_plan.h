// Which bytes of a pack a client asks for. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "slots/pack/pack_index.h"

namespace cube {

// One flag for each object of an index: whether the client wants it.
using Wanted = std::vector<bool>;

// Consecutive chunks, and where they are in the file.
struct ChunkRange {
  std::size_t first = 0;  // chunk
  std::size_t count = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;

  friend bool operator==(const ChunkRange&, const ChunkRange&) = default;
};

// The chunks that hold a byte of a wanted object, in order; ranges with at most `gap` bytes between
// them are joined, for a request costs more than so many bytes. Empty when nothing is wanted.
// `wanted` has one flag for each object.
[[nodiscard]] std::vector<ChunkRange> plan_ranges(const PackIndex& index, const Wanted& wanted,
                                                  std::uint64_t gap);

}  // namespace cube
