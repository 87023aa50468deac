// A GRUB environment block from anybody: no crash, and what is accepted survives being written and
// read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "boot/grub/env_block.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto block = cube::EnvBlock::parse({reinterpret_cast<const char*>(data), size});
  if (!block) return 0;
  const auto bytes = block->render();
  if (!bytes) return 0;  // it was read, but a variable of ours lies outside the first sector
  if (bytes->size() != cube::env_block_bytes) std::abort();
  const auto again = cube::EnvBlock::parse(*bytes);
  if (!again || again->render().value() != *bytes) std::abort();
  return 0;
}
