// Limits as plans, sites and clusters write them. Strict; foreign text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "model/fleet/limits.h"

namespace cube::fleet {

// What a document says of the limits; what it does not say stays as it is.
struct LimitsWish {
  std::optional<std::uint32_t> max_unavailable;
  std::optional<bool> one_domain;
  std::optional<std::uint32_t> fail_count;
  std::optional<std::uint32_t> fail_percent;
  std::optional<std::uint32_t> fail_min_sample;
  std::optional<bool> by_hardware;
  std::optional<Seconds> hold_deadline;

  friend bool operator==(const LimitsWish&, const LimitsWish&) = default;
};

// An object with any of these members. Errors: corrupt (unknown member, out of range).
[[nodiscard]] Result<LimitsWish> read_limits(const Json& json);
// "max-unavailable=2", "one-domain=true", "hold-deadline=PT45M": one member, for a command line.
// Errors: invalid.
[[nodiscard]] Result<LimitsWish> read_limit(std::string_view assignment);
// What read_limits reads back.
[[nodiscard]] std::string render(const LimitsWish& wish);
// What `later` does not say stays as in `earlier`.
[[nodiscard]] LimitsWish with(LimitsWish earlier, const LimitsWish& later);
[[nodiscard]] Limits with(Limits limits, const LimitsWish& wish);
// The first member by which the wish would allow more than the limits do; "": none.
[[nodiscard]] std::string widened_by(const Limits& limits, const LimitsWish& wish);

}  // namespace cube::fleet
