#include "slots/pack/pack_plan.h"

#include <algorithm>

namespace cube {
namespace {

bool made_of_own_files(const PackIndex& index, std::size_t object) {
  const auto last = index.chunk_at(index.object_start(object + 1) - 1);
  for (auto chunk = index.chunk_at(index.object_start(object)); chunk <= last; ++chunk)
    for (const auto& window : index.windows_of(chunk))
      if (index.find(ObjectKind::file, index.bases()[window.base].name)) return true;
  return false;
}

}  // namespace

std::vector<std::size_t> needed_chunks(const PackIndex& index, const Wanted& wanted) {
  std::vector<std::size_t> chunks;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i]) continue;
    auto chunk = index.chunk_at(index.object_start(i));
    if (!chunks.empty()) chunk = std::max(chunk, chunks.back() + 1);
    const auto last = index.chunk_at(index.object_start(i + 1) - 1);
    for (; chunk <= last; ++chunk) chunks.push_back(chunk);
  }
  return chunks;
}

std::vector<ChunkRange> join_chunks(const PackIndex& index, const std::vector<std::size_t>& chunks,
                                    std::uint64_t gap) {
  std::vector<ChunkRange> ranges;
  for (const auto chunk : chunks) {
    const auto begin = index.chunk_offset(chunk);
    const bool joined =
        !ranges.empty() && begin <= ranges.back().offset + ranges.back().length + gap;
    if (!joined) ranges.push_back({chunk, 0, begin, 0});
    auto& range = ranges.back();
    range.count = chunk + 1 - range.first;
    range.length = index.chunk_offset(chunk + 1) - range.offset;
  }
  return ranges;
}

std::vector<ChunkRange> plan_ranges(const PackIndex& index, const Wanted& wanted,
                                    std::uint64_t gap) {
  return join_chunks(index, needed_chunks(index, wanted), gap);
}

std::vector<Wanted> split_wanted(const PackIndex& index, const Wanted& wanted, std::size_t parts,
                                 std::uint64_t least) {
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i]) all += index.objects()[i].length;
  const auto target = std::max(least, all / parts + 1);
  std::vector<Wanted> split;
  std::uint64_t bytes = 0;
  std::size_t last_chunk = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i]) continue;
    const bool own_chunk = index.chunk_at(index.object_start(i)) > last_chunk;
    if (split.empty() || (bytes >= target && own_chunk)) {
      split.emplace_back(wanted.size(), false);
      bytes = 0;
    }
    split.back()[i] = true;
    bytes += index.objects()[i].length;
    last_chunk = index.chunk_at(index.object_start(i + 1) - 1);
  }
  return split;
}

Wanted take_dependent(const PackIndex& index, Wanted& wanted) {
  Wanted dependent(wanted.size(), false);
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i] && made_of_own_files(index, i)) {
      dependent[i] = true;
      wanted[i] = false;
    }
  return dependent;
}

}  // namespace cube
