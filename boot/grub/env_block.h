// The two GRUB environment blocks that carry the boot decision, as text. Pure: no files.
//
// A block is exactly 1024 bytes: a header line, "name=value" lines, '#' up to the end.
//   env   written by GRUB and by us: all seven variables of GrubEnv, within the first 512 bytes
//   good  written by us only: cube_fallback, for the day on which env is unusable
//
// Guarantees: parse accepts only blocks that mean the same to us and to GRUB: each variable exactly
// once, every value in its range, an offer only of the trial, a trial never of the fallback, no NUL,
// nothing but '#' after the last variable. Variables of others are kept, byte for byte.
// render(parse(x)) loses nothing; parse(render(x)) is x.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/boot_state.h"

namespace cube {

inline constexpr std::size_t env_block_bytes = 1024;
inline constexpr std::size_t env_sector_bytes = 512;  // what a disk writes whole or not at all

struct GrubEnv {
  SlotId fallback{};
  std::optional<SlotId> offer;  // the one-shot
  std::optional<SlotId> trial;
  int left = 0;                 // 0..9
  int done = 0;                 // 0..9, stays at 9
  std::string canary;           // GRUB passes it to the kernel
  std::string was;              // the canary before our first write in the running boot
  std::vector<std::string> foreign;  // "name=value" lines of others, as they stand in the block

  friend bool operator==(const GrubEnv&, const GrubEnv&) = default;
};

// Errors: corrupt, saying what is wrong with the block.
[[nodiscard]] Result<GrubEnv> parse_env(std::string_view block);
// Errors: no_space (foreign variables leave no room), bug (values that parse_env would refuse).
[[nodiscard]] Result<std::string> render_env(const GrubEnv& env);

// Errors: corrupt.
[[nodiscard]] Result<SlotId> parse_good(std::string_view block);
[[nodiscard]] std::string render_good(SlotId fallback);

// What GRUB will do with the block at the next boot.
[[nodiscard]] BootState to_boot_state(const GrubEnv& env);

}  // namespace cube
