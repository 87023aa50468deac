// Arguments of a kernel: no crash, and nothing but a slot, a flag and a proper canary comes out.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "boot/cmdline.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto cmdline = cube::parse_cmdline(text);
  if (!cmdline.canary.empty() && !cube::is_canary(cmdline.canary)) std::abort();
  if (cmdline.slot && text.find("cube.slot=") == std::string::npos) std::abort();
  if (cmdline.trial && text.find("cube.trial=1") == std::string::npos) std::abort();
  return 0;
}
