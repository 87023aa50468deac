#include "model/fleet/bucket.h"

#include <string>

#include "base/digest.h"
#include "base/mutation.h"

namespace cube::fleet {
namespace {

__extension__ using Wide = unsigned __int128;

}  // namespace

std::uint32_t bucket_of(std::string_view salt, std::string_view unit) {
  std::string text = "cube-update-bucket-v1";
  text.append(1, '\0').append(mutated("bucket-without-salt") ? "" : salt);
  text.append(1, '\0').append(unit);
  const auto digest = sha256(text);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) number = number << 8 | digest[i];
  return static_cast<std::uint32_t>(static_cast<Wide>(number) * all_units >> 64);
}

std::uint32_t ppm_at(const Ramp& ramp, UnixSeconds now) {
  const Seconds passed = now - ramp.start;
  const RampPoint* before = nullptr;
  for (const auto& point : ramp.points) {
    if (point.after <= passed) {
      before = &point;
      continue;
    }
    if (before == nullptr || ramp.interpolate == Interpolate::step) break;
    const std::int64_t rise = std::int64_t{point.ppm} - before->ppm;
    return before->ppm + static_cast<std::uint32_t>(rise * (passed - before->after) /
                                                    (point.after - before->after));
  }
  return before == nullptr ? 0 : before->ppm;
}

std::optional<UnixSeconds> reaches(const Ramp& ramp, std::uint32_t bucket) {
  const RampPoint* before = nullptr;
  for (const auto& point : ramp.points) {
    if (bucket >= point.ppm) {
      before = &point;
      continue;
    }
    if (before == nullptr || ramp.interpolate == Interpolate::step) return ramp.start + point.after;
    // The first second in which the share, rounded down, is above the bucket.
    const std::int64_t missing = std::int64_t{bucket} + 1 - before->ppm;
    const std::int64_t rise = std::int64_t{point.ppm} - before->ppm;
    const Seconds span = point.after - before->after;
    return ramp.start + before->after + (missing * span + rise - 1) / rise;
  }
  return std::nullopt;
}

}  // namespace cube::fleet
