// The strict reader never crashes, and what it accepts survives being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cube::Json;
  const auto json = Json::parse({reinterpret_cast<const char*>(data), size});
  if (!json) return 0;
  const auto canonical = json->canonical();
  // Escapes make the written text longer than what was read.
  const cube::JsonLimits wide{64 * size + 4096, 8};
  for (const auto& text : {json->line(), json->pretty()}) {
    const auto again = Json::parse(text, wide);
    if (!again || again->canonical() != canonical) std::abort();
  }
  return 0;
}
