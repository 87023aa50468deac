// A seal from anybody, also with its checksum put right: no crash, and what is accepted is written
// exactly as it was read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "slots/seal_file.h"

namespace {

void read(std::string_view text) {
  const auto seal = cube::parse_seal(text);
  if (!seal) return;
  const auto again = cube::parse_seal(cube::render_seal(*seal));
  if (!again || !(*again == *seal)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  read(text);
  read(text + "sha256=" + cube::to_hex(cube::sha256(text)) + "\n");
  return 0;
}
