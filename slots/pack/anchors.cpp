#include "slots/pack/anchors.h"

#include <algorithm>
#include <array>

namespace cube {
namespace {

constexpr unsigned mask_bits = 10;  // every 1024th place
constexpr std::size_t most_places = 16;

// A random number for each byte (splitmix64). Shifted left at each step, one is gone after 64
// bytes; so the topmost bits depend on all of those.
constexpr std::array<std::uint64_t, 256> make_gears() {
  std::array<std::uint64_t, 256> gears{};
  std::uint64_t state = 0;
  for (auto& gear : gears) {
    state += 0x9E3779B97F4A7C15;
    gear = state;
    gear = (gear ^ (gear >> 30)) * 0xBF58476D1CE4E5B9;
    gear = (gear ^ (gear >> 27)) * 0x94D049BB133111EB;
    gear ^= gear >> 31;
  }
  return gears;
}
constexpr auto gears = make_gears();

bool before(const AnchorIndex::Place& left, const AnchorIndex::Place& right) {
  if (left.key != right.key) return left.key < right.key;
  return left.content != right.content ? left.content < right.content : left.block < right.block;
}
bool same(const AnchorIndex::Place& left, const AnchorIndex::Place& right) {
  return !before(left, right) && !before(right, left);
}

}  // namespace

void AnchorScan::update(std::string_view bytes) {
  auto hash = hash_;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    hash = (hash << 1) + gears[static_cast<std::uint8_t>(bytes[i])];
    if (hash >> (64 - mask_bits) != 0) continue;
    const bool repeated = !found_.empty() && found_.back().key == hash;  // a run of one byte
    if (!repeated) found_.push_back({hash, done_ + i});
  }
  hash_ = hash;
  done_ += bytes.size();
}

void AnchorIndex::add(std::uint32_t content, const std::vector<Anchor>& anchors) {
  for (const auto& anchor : anchors)
    places_.push_back(
        {anchor.key, content, static_cast<std::uint32_t>(anchor.place / block_bytes)});
}

void AnchorIndex::sort() {
  std::sort(places_.begin(), places_.end(), before);
  places_.erase(std::unique(places_.begin(), places_.end(), same), places_.end());
  auto kept = places_.begin();
  for (auto first = places_.begin(); first != places_.end();) {
    const auto last = std::find_if(first, places_.end(),
                                   [&](const Place& place) { return place.key != first->key; });
    if (static_cast<std::size_t>(last - first) <= most_places) kept = std::copy(first, last, kept);
    first = last;
  }
  places_.erase(kept, places_.end());
}

std::pair<const AnchorIndex::Place*, const AnchorIndex::Place*> AnchorIndex::find(
    std::uint64_t key) const {
  const auto first =
      std::lower_bound(places_.begin(), places_.end(), key,
                       [](const Place& place, std::uint64_t wanted) { return place.key < wanted; });
  const auto last =
      std::find_if(first, places_.end(), [&](const Place& place) { return place.key != key; });
  return {places_.data() + (first - places_.begin()), places_.data() + (last - places_.begin())};
}

}  // namespace cube
