// Buckets: which share of a fleet a unit belongs to, without any server
// (docs/formats/rollout-plan.md).
//
// A unit is what a rollout counts: a cluster, or a machine that stands alone. Its bucket is one of
// a million, decided by the rollout's salt and the unit's name alone, so everybody can compute it;
// a rollout's ramp says up to which bucket units may begin at a time. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace cube::fleet {

inline constexpr std::uint32_t all_units = 1'000'000;  // parts of a million

// From `after` seconds after the rollout's start on, buckets below `ppm` may begin.
struct RampPoint {
  Seconds after = 0;      // 0 or more
  std::uint32_t ppm = 0;  // 0..all_units

  friend bool operator==(const RampPoint&, const RampPoint&) = default;
};

enum class Interpolate {
  step,    // a point counts until the next one is reached
  linear,  // in between the share grows evenly, second by second
};

// `after` rises from point to point, `ppm` never falls; both are the reader's promise.
struct Ramp {
  UnixSeconds start = 0;
  std::vector<RampPoint> points;  // at least one
  Interpolate interpolate = Interpolate::step;
};

// 0..999999: floor(h * 10^6 / 2^64), where h is the first 8 bytes, as a big-endian number, of the
// SHA-256 of "cube-update-bucket-v1", a NUL, the salt, a NUL, the unit.
[[nodiscard]] std::uint32_t bucket_of(std::string_view salt, std::string_view unit);

// Buckets below it may begin at `now`: 0 before the first point, and never less later.
[[nodiscard]] std::uint32_t ppm_at(const Ramp& ramp, UnixSeconds now);
// The first second at which that bucket may begin; nullopt: the ramp never reaches it.
[[nodiscard]] std::optional<UnixSeconds> reaches(const Ramp& ramp, std::uint32_t bucket);

}  // namespace cube::fleet
