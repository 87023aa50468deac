// A seal from anybody: no crash, and only what a seal's writer would have written is accepted. Since
// a checksum stops nearly every mutation, the input is also tried with its checksum made right.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/digest.h"
#include "slots/seal_file.h"

namespace {

void check(const std::string& text) {
  const auto seal = cube::parse_seal(text);
  if (!seal) return;
  if (!cube::is_sha256_hex(seal->commit) || !cube::is_sha256_hex(seal->manifest_sha256)) std::abort();
  const auto again = cube::parse_seal(cube::render_seal(*seal));
  if (!again || !(*again == *seal)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check(text);
  const std::string body = text.substr(0, text.rfind("sha256="));
  check(body + "sha256=" + cube::to_hex(cube::sha256(body)) + "\n");
  return 0;
}
