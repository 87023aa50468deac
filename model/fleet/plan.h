// Plan: the signed rollout plan (docs/formats/rollout-plan.md): which release which share of a
// fleet may begin, and when. SitePlan: what one site says against it. Neither authorises an image:
// a release is believed by its own signatures, and a plan only keeps machines from beginning with
// it.
//
// Pure values and their strict readers: unknown members are refused. Whether a text is to be
// believed is the business of keys/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/fleet/bucket.h"
#include "model/fleet/limits.h"
#include "model/fleet/limits_reader.h"
#include "model/maintenance_window.h"
#include "model/release.h"

namespace cube::fleet {

// Where they are among the targets, and who alone signs them.
inline constexpr const char* plan_target = "fleet/plan.json";
inline constexpr const char* plan_role = "rollout";
inline constexpr const char* site_target = "fleet/site.json";
inline constexpr const char* site_role = "site";

inline constexpr std::size_t max_plan_bytes = 64 * 1024;
inline constexpr std::size_t max_rollouts = 16;
inline constexpr std::size_t max_planned_releases = 64;
inline constexpr std::size_t max_blocked = 256;
inline constexpr std::size_t max_ramp_points = 32;
inline constexpr std::size_t max_labels = 16;
inline constexpr std::size_t max_windows = 16;  // and 16 openings, 64 exceptions in each
inline constexpr std::size_t max_text = 200;    // bytes of a reason

struct PlannedRelease {
  ReleaseName name;
  std::optional<Version> min_from;  // only machines with this version or a higher one go to it
  bool barrier = false;             // machines with an older one go to no newer one but through it
  std::string dead_end;    // why no machine that runs it is updated any more; "": it is not
  std::string etcd_minor;  // "3.5"; "": not said
};

struct BlockedRelease {
  std::string name;
  std::string reason;
};

// Units with all of these labels begin at start + after, whatever their bucket.
struct Canary {
  std::vector<std::string> labels;  // at least one
  Seconds after = 0;
};

struct Rollout {
  std::string id;       // a safe name (model/name.h)
  std::string release;  // the name of one of the plan's releases
  std::string salt;
  Ramp ramp;
  std::optional<Canary> canary;
  // How long the release has to prove itself: on the canaries before others begin, and on a machine
  // before that begins with another one.
  Seconds soak = 0;
  std::optional<Seconds> deadline;  // after the start: from then on ramp and canaries hold nobody
  std::uint32_t attempts = 2;       // 1..9: how often it may fail on a machine
  Limits limits;
};

// In civil time of one zone; "local" is that of the machine.
struct WindowSet {
  std::string time_zone;
  std::vector<WindowRule> rules;  // at least one
  std::vector<DayRange> exceptions;
};
// Open when any is.
using AnyWindow = std::vector<WindowSet>;

// What a plan and a site's plan have in common.
struct PlanHead {
  std::uint64_t serial = 0;  // 1 to 2^53-1: a machine takes none that is lower than one it knows
  UnixSeconds issued = 0;
  UnixSeconds expires = 0;          // later than `issued`; nothing begins any more then
  std::optional<std::string> halt;  // why nothing begins
  std::vector<BlockedRelease> blocked;
};

struct Plan : PlanHead {
  std::string channel;  // a safe name; "": not said
  std::vector<PlannedRelease> releases;
  std::vector<Rollout> rollouts;
  std::optional<Version> pin;      // of a site: nothing newer than that
  std::vector<AnyWindow> windows;  // all must be open for a restart; as read at most one
};

struct SitePlan : PlanHead {
  std::optional<Version> pin;
  AnyWindow windows;
  LimitsWish limits;
};

// Errors: corrupt, naming the member.
[[nodiscard]] Result<Plan> read_plan(std::string_view text);
[[nodiscard]] Result<SitePlan> read_site_plan(std::string_view text);

// What counts at that site: halted if one of both is, the earlier expiry, blocked what either
// blocks, the windows of both, the smaller limits. Serial and issued stay the plan's.
// Errors: refused (the site's limit would allow more than a rollout's: named).
[[nodiscard]] Result<Plan> narrow(Plan plan, const SitePlan& site);

// The strictest of the plan's rollouts in every part; the default ones if it has none.
[[nodiscard]] Limits strictest_limits(const Plan& plan);

// "canary=true": two safe names.
[[nodiscard]] bool is_label(std::string_view text);
// nullptr: the plan does not know it.
[[nodiscard]] const PlannedRelease* find_release(const Plan& plan, const std::string& name);
[[nodiscard]] const BlockedRelease* find_blocked(const Plan& plan, const std::string& name);

}  // namespace cube::fleet
