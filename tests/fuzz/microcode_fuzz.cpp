// Early microcode, whatever is in it: each update that is counted has a header of its own.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "insight/inventory/microcode.h"
#include "tests/fuzz/demand.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cube;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  demand(insight::microcode_updates("intel", bytes) <= size / 48);
  demand(insight::microcode_updates("amd", bytes) <= size / 8);
  static_cast<void>(insight::microcode_vendor(bytes));
  return 0;
}
