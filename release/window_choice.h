// Which parts of other contents a piece of a new file is like, by its anchors. Pure.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "slots/pack/anchors.h"
#include "slots/pack/pack_writer.h"

namespace cube {

// What may be a base, by its number in the index of anchors.
struct BaseContent {
  Base base;
  bool usable = true;
};

struct Likeness {
  std::uint32_t content = 0;
  std::size_t anchors = 0;  // so many are in both
};

// The contents that share anchors with these, the likest first; at most `most`.
[[nodiscard]] std::vector<Likeness> likest(const AnchorIndex& index,
                                           const std::vector<BaseContent>& contents,
                                           std::span<const Anchor> anchors, std::size_t most);

struct Matched {
  BaseWindows windows;
  std::size_t anchors = 0;  // of the piece, found in the windows
};

// The blocks that have most of the anchors, whatever contents they are of, each with a margin;
// together at most `budget` bytes. The same input gives the same windows.
[[nodiscard]] Matched matching_windows(const AnchorIndex& index,
                                       const std::vector<BaseContent>& contents,
                                       std::span<const Anchor> anchors, std::uint64_t budget);

// Of a content of `size` bytes, of which the piece [begin, end) is to be made, the part of the base
// at about the same place.
[[nodiscard]] BaseWindow window_at_same_place(const Base& base, std::uint64_t size,
                                              std::uint64_t begin, std::uint64_t end);

}  // namespace cube
