// SBAT: how shim tells which generations of boot programs may still run (shim, SBAT.md and
// include/sbat.h). Each program lists its components and their generations; a level, kept in a
// variable, lists the least ones. Foreign bytes, pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cube::insight {

inline constexpr std::size_t max_sbat_bytes = 64 * 1024;

struct SbatComponent {
  std::string name;  // "grub.debian"
  std::uint32_t generation = 0;

  bool operator==(const SbatComponent&) const = default;
};

// A program's section .sbat: lines "grub,5,Free Software Foundation,grub,2.06,https://...". Errors:
// corrupt (too long, no such line, a generation that is no number).
[[nodiscard]] Result<std::vector<SbatComponent>> parse_sbat(std::string_view section);

struct SbatLevel {
  std::string date;  // "2025021800": of two levels the later counts; "" in an empty one
  std::vector<SbatComponent> least;

  bool operator==(const SbatLevel&) const = default;
};
// The variable SbatLevelRT: lines "sbat,1,2025021800", "shim,4". Errors: as parse_sbat().
[[nodiscard]] Result<SbatLevel> parse_sbat_level(std::string_view text);

// shim's section .sbatlevel: the level that it sets by itself when an older one is set, and the
// latest it knows, which only an operator's policy sets. Errors: corrupt.
struct ShimLevels {
  SbatLevel automatic, latest;
};
[[nodiscard]] Result<ShimLevels> parse_shim_levels(std::string_view section);

// "grub 4, and at least 5 is wanted", for each component that is too old.
[[nodiscard]] std::vector<std::string> too_old(const std::vector<SbatComponent>& program,
                                               const SbatLevel& level);

}  // namespace cube::insight
