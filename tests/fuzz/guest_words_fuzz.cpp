// What a guest says, and the arguments of a kernel: no crash, nothing counts as reached without the
// boot's own secret, and the arguments that go along are printable and short.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "agent/virtual_boot/guest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string secret = "0123456789abcdef";
  if (cube::says_reached(text, secret) && text.find(secret) == std::string::npos) std::abort();
  if (cube::shows_reached(text) && text.find("Reached target ") == std::string::npos) std::abort();
  const auto words = cube::guest_words(text);
  const bool plain =
      std::all_of(words.begin(), words.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
  if (!plain || words.size() > 1100 || words.find("cube.") == 0) std::abort();
  return 0;
}
