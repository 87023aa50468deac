// Waivers from anybody: what is accepted is within its bounds, is read back as it was written, and
// lets nothing through outside its time.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "insight/locks/waiver.h"
#include "tests/fuzz/demand.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cube::insight;
  using cube::demand;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  static_cast<void>(waived_until(std::string(text)));
  for (const auto who : {WaivedBy::root, WaivedBy::publisher}) {
    const auto waivers = read_waivers(text, who);
    if (!waivers) continue;
    demand(waivers->size() <= max_waivers);
    const auto again = read_waivers(waivers_text(*waivers), who);
    demand(again && *again == *waivers);
    for (const auto& one : *waivers) {
      demand(one.until - one.given <= longest_waiver && one.by == who);
      demand(!is_in_force(one, one.until) && is_in_force(one, one.until - 1));
      demand(!is_in_force(one, one.given - waiver_clock_skew - 1));
    }
  }
  return 0;
}
