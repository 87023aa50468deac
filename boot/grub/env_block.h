// EnvBlock: a GRUB environment block as a value. 1024 bytes (GRUB manual, "Environment block"):
// a header line, NAME=VALUE lines, '#' to the end. docs/boot-environment.md. Pure.
//
// Stricter than GRUB, which has no checksum and takes a block with holes: every variable of ours
// exactly once, all of them in the first 512 bytes, so that they change as one sector.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace cube {

inline constexpr std::size_t env_block_bytes = 1024;
inline constexpr std::size_t env_sector_bytes = 512;

class EnvBlock {
 public:
  EnvBlock() = default;
  // Names are [A-Za-z0-9_]+, values printable ASCII without '\\' (GRUB escapes with it).
  // Errors: corrupt (size, header, a name twice, bytes that GRUB would not write).
  static Result<EnvBlock> parse(std::string_view bytes);

  // Errors: corrupt (missing).
  [[nodiscard]] Result<std::string> get(const std::string& name) const;
  // Replaces in place, or appends.
  void set(const std::string& name, const std::string& value);
  // Errors: corrupt (does not fit, or a variable whose name begins with "cube_" would end after the
  // first 512 bytes).
  [[nodiscard]] Result<std::string> render() const;

 private:
  std::vector<std::pair<std::string, std::string>> variables_;
};

}  // namespace cube
