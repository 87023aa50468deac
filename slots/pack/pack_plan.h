// Which bytes of a pack a client asks for, and in which order. Pure.
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

// The chunks that hold a byte of a wanted object, ascending.
[[nodiscard]] std::vector<std::size_t> needed_chunks(const PackIndex& index, const Wanted& wanted);

// Where these chunks, ascending, are; ranges with at most `gap` bytes between them are joined, for
// a request costs more than so many bytes.
[[nodiscard]] std::vector<ChunkRange> join_chunks(const PackIndex& index,
                                                  const std::vector<std::size_t>& chunks,
                                                  std::uint64_t gap);

// join_chunks() of needed_chunks().
[[nodiscard]] std::vector<ChunkRange> plan_ranges(const PackIndex& index, const Wanted& wanted,
                                                  std::uint64_t gap);

// Cuts `wanted` into consecutive parts of about equal raw size, at most about `parts`, none smaller
// than `least` bytes but the last; small objects that share a chunk stay together.
[[nodiscard]] std::vector<Wanted> split_wanted(const PackIndex& index, const Wanted& wanted,
                                               std::size_t parts, std::uint64_t least);

// Takes out of `wanted` the objects that are made of files of this same pack, which have to be
// there before them.
[[nodiscard]] Wanted take_dependent(const PackIndex& index, Wanted& wanted);

}  // namespace cube
