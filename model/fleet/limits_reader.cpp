#include "model/fleet/limits_reader.h"

#include <algorithm>

#include "base/mutation.h"
#include "model/fleet/duration.h"
#include "model/fleet/members.h"

namespace cube::fleet {
namespace {

constexpr std::uint64_t most_machines = 1000, all_percent = 100;
constexpr Seconds shortest_hold = 600, longest_hold = 604800;

Status read_count(const Json& json, const std::string& key, std::uint64_t max,
                  std::optional<std::uint32_t>& to) {
  if (!json.has(key)) return ok();
  CUBE_TRY(const auto count, count_at(json, key, 1, max));
  to = static_cast<std::uint32_t>(count);
  return ok();
}

}  // namespace

Result<LimitsWish> read_limits(const Json& json) {
  CUBE_CHECK(check_members(json, {},
                           {"max_unavailable", "one_domain", "fail_count", "fail_percent",
                            "fail_min_sample", "by_hardware", "hold_deadline"}));
  LimitsWish wish;
  CUBE_CHECK(read_count(json, "max_unavailable", most_machines, wish.max_unavailable));
  CUBE_CHECK(read_count(json, "fail_count", most_machines, wish.fail_count));
  CUBE_CHECK(read_count(json, "fail_percent", all_percent, wish.fail_percent));
  CUBE_CHECK(read_count(json, "fail_min_sample", most_machines, wish.fail_min_sample));
  if (json.has("one_domain")) {
    CUBE_TRY(wish.one_domain, flag_at(json, "one_domain"));
  }
  if (json.has("by_hardware")) {
    CUBE_TRY(wish.by_hardware, flag_at(json, "by_hardware"));
  }
  if (json.has("hold_deadline")) {
    CUBE_TRY(const auto hold, duration_at(json, "hold_deadline"));
    if (hold < shortest_hold || hold > longest_hold)
      return Error{Errc::corrupt, "\"hold_deadline\" is not from PT10M to P7D"};
    wish.hold_deadline = hold;
  }
  return wish;
}

Result<LimitsWish> read_limit(std::string_view assignment) {
  const auto equals = std::min(assignment.find('='), assignment.size());
  std::string name(assignment.substr(0, equals));
  std::replace(name.begin(), name.end(), '-', '_');
  const std::string value(assignment.substr(std::min(equals + 1, assignment.size())));
  // As JSON has it: a number or true or false as it is, a duration in quotes.
  auto json = Json::parse(value);
  auto wish = read_limits(Json::Object{{name, json ? *json : Json(value)}});
  if (!wish)
    return Error{Errc::invalid, std::string(assignment.substr(0, 60)) + ": " + wish.error().what};
  return wish;
}

std::string render(const LimitsWish& wish) {
  Json::Object members;
  const auto add = [&members](const char* name, const auto& value) {
    if (value) members[name] = Json(std::uint64_t{*value});
  };
  add("max_unavailable", wish.max_unavailable);
  add("fail_count", wish.fail_count);
  add("fail_percent", wish.fail_percent);
  add("fail_min_sample", wish.fail_min_sample);
  if (wish.one_domain) members["one_domain"] = Json(*wish.one_domain);
  if (wish.by_hardware) members["by_hardware"] = Json(*wish.by_hardware);
  if (wish.hold_deadline) members["hold_deadline"] = Json(format_duration(*wish.hold_deadline));
  return Json(members).line();
}

LimitsWish with(LimitsWish earlier, const LimitsWish& later) {
  const auto take = [](auto& to, const auto& from) {
    if (from) to = from;
  };
  take(earlier.max_unavailable, later.max_unavailable);
  take(earlier.one_domain, later.one_domain);
  take(earlier.fail_count, later.fail_count);
  take(earlier.fail_percent, later.fail_percent);
  take(earlier.fail_min_sample, later.fail_min_sample);
  take(earlier.by_hardware, later.by_hardware);
  take(earlier.hold_deadline, later.hold_deadline);
  return earlier;
}

Limits with(Limits limits, const LimitsWish& wish) {
  limits.max_unavailable = wish.max_unavailable.value_or(limits.max_unavailable);
  limits.one_domain = wish.one_domain.value_or(limits.one_domain);
  limits.fail_count = wish.fail_count.value_or(limits.fail_count);
  limits.fail_percent = wish.fail_percent.value_or(limits.fail_percent);
  limits.fail_min_sample = wish.fail_min_sample.value_or(limits.fail_min_sample);
  limits.by_hardware = wish.by_hardware.value_or(limits.by_hardware);
  limits.hold_deadline = wish.hold_deadline.value_or(limits.hold_deadline);
  return limits;
}

std::string widened_by(const Limits& limits, const LimitsWish& wish) {
  const Limits wished = with(limits, wish);
  if (mutated("site-widens")) return "";
  if (wished.max_unavailable > limits.max_unavailable) return "max_unavailable";
  if (!wished.one_domain && limits.one_domain) return "one_domain";
  if (wished.fail_count > limits.fail_count) return "fail_count";
  if (wished.fail_percent > limits.fail_percent) return "fail_percent";
  if (wished.fail_min_sample > limits.fail_min_sample) return "fail_min_sample";
  if (wished.by_hardware && !limits.by_hardware) return "by_hardware";
  if (wished.hold_deadline > limits.hold_deadline) return "hold_deadline";
  return "";
}

}  // namespace cube::fleet
