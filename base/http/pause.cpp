#include "base/http/pause.h"

#include <algorithm>

namespace cube {

std::chrono::milliseconds pause_after(int failed, std::uint32_t random,
                                      std::chrono::seconds asked_to_wait) {
  constexpr std::chrono::milliseconds first{200}, longest{10'000};
  const int doublings = std::clamp(failed - 1, 0, 10);
  const auto pause = std::min(first * (1 << doublings), longest);
  const auto half = pause / 2;
  const std::chrono::milliseconds own =
      half + std::chrono::milliseconds(random % (half.count() + 1));
  return std::max<std::chrono::milliseconds>(own, asked_to_wait);
}

}  // namespace cube
