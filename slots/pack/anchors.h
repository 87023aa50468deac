// Anchors: places of a content that are found again in another content, wherever they moved. Pure.
//
// A place is an anchor when a hash of the 64 bytes before it says so: about every 1024th does. The
// hash is its key. Nothing relies on these numbers but the choice of windows, so of a publisher.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace cube {

struct Anchor {
  std::uint64_t key = 0;
  std::uint64_t place = 0;  // offset in the content
};

// Finds the anchors of one content, which comes in pieces of any size.
class AnchorScan {
 public:
  void update(std::string_view bytes);
  [[nodiscard]] std::vector<Anchor> take() { return std::move(found_); }

 private:
  std::uint64_t hash_ = 0;
  std::uint64_t done_ = 0;
  std::vector<Anchor> found_;
};

// Where the anchors of many contents are, to within a block.
class AnchorIndex {
 public:
  static constexpr std::uint64_t block_bytes = 64 * 1024;
  struct Place {
    std::uint64_t key = 0;
    std::uint32_t content = 0;
    std::uint32_t block = 0;
  };

  void add(std::uint32_t content, const std::vector<Anchor>& anchors);
  // After all add(). Keys that are nearly everywhere are forgotten: they tell nothing apart.
  void sort();
  // All places with that key: pointers into the index, first and behind the last.
  [[nodiscard]] std::pair<const Place*, const Place*> find(std::uint64_t key) const;

 private:
  std::vector<Place> places_;
};

}  // namespace cube
