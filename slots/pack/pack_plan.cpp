#include "slots/pack/pack_plan.h"

namespace cube {

std::vector<ChunkRange> plan_ranges(const PackIndex& index, const Wanted& wanted,
                                    std::uint64_t gap) {
  std::vector<ChunkRange> ranges;
  for (std::size_t i = 0; i < index.objects().size(); ++i) {
    if (!wanted[i]) continue;
    const auto first = index.chunk_at(index.object_start(i));
    const auto last = index.chunk_at(index.object_start(i + 1) - 1);
    const auto begin = index.chunk_offset(first);
    const auto end = index.chunk_offset(last + 1);
    const bool joined =
        !ranges.empty() && begin <= ranges.back().offset + ranges.back().length + gap;
    if (!joined) ranges.push_back({first, 0, begin, 0});
    auto& range = ranges.back();
    range.count = last + 1 - range.first;
    range.length = end - range.offset;
  }
  return ranges;
}

}  // namespace cube
