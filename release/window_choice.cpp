#include "release/window_choice.h"

#include <algorithm>
#include <map>

namespace cube {
namespace {

constexpr std::uint64_t margin = 16 * 1024;
constexpr std::uint64_t place_margin = 1024 * 1024;
constexpr std::size_t least_anchors = 3;  // that make a block worth its bytes

using Block = std::pair<std::uint32_t, std::uint32_t>;  // content, number
using Blocks = std::map<Block, std::vector<std::uint32_t>>;

Blocks blocks_with(const AnchorIndex& index, const std::vector<BaseContent>& contents,
                   std::span<const Anchor> anchors) {
  Blocks blocks;
  for (std::uint32_t i = 0; i < anchors.size(); ++i) {
    const auto [first, last] = index.find(anchors[i].key);
    for (const auto* place = first; place != last; ++place)
      if (contents[place->content].usable) blocks[{place->content, place->block}].push_back(i);
  }
  return blocks;
}

// Blocks that lie side by side, with their margins, are one window.
BaseWindows windows_of(const std::vector<Block>& sorted, const std::vector<BaseContent>& contents) {
  BaseWindows windows;
  for (const auto& [content, block] : sorted) {
    const auto& base = contents[content].base;
    const auto start = block * AnchorIndex::block_bytes;
    const auto begin = start - std::min(start, margin);
    const auto end = std::min(base.size, start + AnchorIndex::block_bytes + margin);
    auto* last = windows.empty() ? nullptr : &windows.back();
    if (last != nullptr && last->base.name == base.name && begin <= last->offset + last->length)
      last->length = static_cast<std::uint32_t>(end - last->offset);
    else
      windows.push_back({base, begin, static_cast<std::uint32_t>(end - begin)});
  }
  return windows;
}

}  // namespace

std::vector<Likeness> likest(const AnchorIndex& index, const std::vector<BaseContent>& contents,
                             std::span<const Anchor> anchors, std::size_t most) {
  std::map<std::uint32_t, std::size_t> counts;
  for (const auto& anchor : anchors) {
    const auto [first, last] = index.find(anchor.key);
    for (const auto* place = first; place != last; ++place)
      if (contents[place->content].usable &&
          (place == first || place[-1].content != place->content))
        ++counts[place->content];
  }
  std::vector<Likeness> found;
  for (const auto& [content, count] : counts) found.push_back({content, count});
  std::stable_sort(found.begin(), found.end(), [](const Likeness& left, const Likeness& right) {
    return left.anchors > right.anchors;
  });
  if (found.size() > most) found.resize(most);
  return found;
}

Matched matching_windows(const AnchorIndex& index, const std::vector<BaseContent>& contents,
                         std::span<const Anchor> anchors, std::uint64_t budget) {
  auto blocks = blocks_with(index, contents, anchors);
  std::vector<bool> matched(anchors.size());
  std::vector<Block> chosen;
  Matched result;
  constexpr auto cost = AnchorIndex::block_bytes + 2 * margin;
  for (auto left = budget; left >= cost; left -= cost) {
    auto best = blocks.end();
    std::size_t best_count = least_anchors - 1;
    for (auto each = blocks.begin(); each != blocks.end();) {
      auto& here = each->second;
      std::erase_if(here, [&](std::uint32_t i) { return matched[i]; });
      if (here.size() > best_count) {
        best = each;
        best_count = here.size();
      }
      each = here.size() < least_anchors && each != best ? blocks.erase(each) : std::next(each);
    }
    if (best == blocks.end()) break;
    for (const auto i : best->second) matched[i] = true;
    result.anchors += best_count;
    chosen.push_back(best->first);
  }
  std::sort(chosen.begin(), chosen.end());
  result.windows = windows_of(chosen, contents);
  return result;
}

BaseWindow window_at_same_place(const Base& base, std::uint64_t size, std::uint64_t begin,
                                std::uint64_t end) {
  const auto scaled = [&](std::uint64_t place) {
    return static_cast<std::uint64_t>(static_cast<double>(place) / static_cast<double>(size) *
                                      static_cast<double>(base.size));
  };
  const auto at = std::min(scaled(begin), base.size - 1);
  const auto from = at - std::min(at, place_margin);
  const auto to = std::min(base.size, std::max(scaled(end), at + 1) + place_margin);
  const auto length = std::min<std::uint64_t>(to - from, max_prefix_bytes);
  return {base, from, static_cast<std::uint32_t>(length)};
}

}  // namespace cube
