// A GRUB environment block from anybody: no crash, and what is accepted survives being written.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "boot/grub/env_block.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto block = cube::EnvBlock::parse({reinterpret_cast<const char*>(data), size});
  if (!block) return 0;
  if (size != cube::env_block_bytes) std::abort();
  const auto fallback = block->get("cube_fallback");
  block->set("cube_left", "3");
  const auto written = block->render();
  if (!written) return 0;  // no room for one variable more
  const auto again = cube::EnvBlock::parse(*written);
  if (!again || written->size() != cube::env_block_bytes) std::abort();
  const auto left = again->get("cube_left");
  if (!left || *left != "3") std::abort();
  const auto same = again->get("cube_fallback");
  if (fallback.has_value() != same.has_value() || (fallback && *fallback != *same)) std::abort();
  return 0;
}
