// Durations as plans write them: the part of ISO 8601 that has one meaning in seconds. "P3D",
// "PT90M", "P1DT12H", "PT0S". Pure; texts are foreign.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace cube::fleet {

inline constexpr Seconds longest_duration = 10 * 366 * Seconds{86400};

// Days, hours, minutes and seconds, each at most once and in this order, whole numbers of at most 9
// digits; 0 to longest_duration. Errors: invalid.
[[nodiscard]] Result<Seconds> parse_duration(std::string_view text);
// The form that people expect: "P3D", "PT90M", "PT0S".
[[nodiscard]] std::string format_duration(Seconds duration);

}  // namespace cube::fleet
