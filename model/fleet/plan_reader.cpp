// read_plan and read_site_plan.
#include <algorithm>

#include "model/fleet/members.h"
#include "model/fleet/plan.h"
#include "model/name.h"

namespace cube::fleet {
namespace {

constexpr std::uint64_t schema = 1;
constexpr std::uint64_t max_serial = (std::uint64_t{1} << 53) - 1;
constexpr std::uint64_t max_attempts = 9;
constexpr std::size_t max_openings = 16, max_exceptions = 64, max_zone = 64;

Error corrupt(const std::string& what) {
  return {Errc::corrupt, what};
}

Result<ReleaseName> release_at(const Json& json, const std::string& key) {
  CUBE_TRY(const auto text, json.string_at(key));
  auto name = ReleaseName::parse(text);
  if (!name) return corrupt("\"" + key + "\": " + name.error().what);
  return name;
}

Result<Version> version_at(const Json& json, const std::string& key) {
  CUBE_TRY(const auto text, json.string_at(key));
  auto version = Version::parse(text);
  if (!version) return corrupt("\"" + key + "\": " + version.error().what);
  return version;
}

Status read_head(PlanHead& head, const Json& json) {
  CUBE_TRY(const auto found, json.unsigned_at("schema"));
  if (found != schema)
    return corrupt("schema " + std::to_string(found) + " is not known here; only 1 is");
  CUBE_TRY(head.serial, count_at(json, "serial", 1, max_serial));
  CUBE_TRY(head.issued, time_at(json, "issued"));
  CUBE_TRY(head.expires, time_at(json, "expires"));
  if (head.expires <= head.issued) return corrupt("it expires before it is issued");
  if (json.has("halt")) {
    CUBE_TRY(const auto halt, json.member("halt"));
    if (auto members = check_members(halt, {"reason"}, {}); !members)
      return std::move(members).error().in("\"halt\"");
    CUBE_TRY(head.halt, text_at(halt, "reason"));
  }
  return each_of(json, "blocked", max_blocked, [&](const Json& each) -> Status {
    CUBE_CHECK(check_members(each, {"name", "reason"}, {}));
    BlockedRelease blocked;
    CUBE_TRY(const auto name, release_at(each, "name"));
    blocked.name = name.text;
    CUBE_TRY(blocked.reason, text_at(each, "reason"));
    for (const auto& other : head.blocked)
      if (other.name == blocked.name) return corrupt(blocked.name + " is there twice");
    head.blocked.push_back(std::move(blocked));
    return ok();
  });
}

bool is_zone_name(const std::string& name) {
  return !name.empty() && name.size() <= max_zone && is_ascii_alnum(name[0]) &&
         name.find("..") == std::string::npos && std::all_of(name.begin(), name.end(), [](char c) {
           return is_ascii_alnum(c) || std::string_view("/_+-").find(c) != std::string_view::npos;
         });
}

// An element that is a text.
template <typename T>
Status add_text(const Json& json, Result<T> (*parse)(std::string_view), std::vector<T>& to) {
  CUBE_TRY(const auto text, json.string());
  auto value = parse(text);
  if (!value) return corrupt(value.error().what);
  to.push_back(std::move(value).value());
  return ok();
}

Status read_windows(AnyWindow& windows, const Json& json) {
  return each_of(json, "windows", max_windows, [&](const Json& each) -> Status {
    CUBE_CHECK(check_members(each, {"time_zone", "open"}, {"except"}));
    WindowSet set;
    CUBE_TRY(set.time_zone, each.string_at("time_zone"));
    if (!is_zone_name(set.time_zone)) return corrupt("\"time_zone\" is no name of a time zone");
    CUBE_CHECK(each_of(each, "open", max_openings,
                       [&](const Json& text) { return add_text(text, parse_window, set.rules); }));
    CUBE_CHECK(each_of(each, "except", max_exceptions, [&](const Json& text) {
      return add_text(text, parse_days, set.exceptions);
    }));
    if (set.rules.empty()) return corrupt("\"open\" is empty, so it never opens");
    windows.push_back(std::move(set));
    return ok();
  });
}

Status read_release(Plan& plan, const Json& json) {
  CUBE_CHECK(check_members(json, {"name"}, {"min_from", "barrier", "dead_end", "etcd_minor"}));
  PlannedRelease release;
  CUBE_TRY(release.name, release_at(json, "name"));
  if (find_release(plan, release.name.text) != nullptr)
    return corrupt(release.name.text + " is there twice");
  if (json.has("min_from")) {
    CUBE_TRY(release.min_from, version_at(json, "min_from"));
    if (*release.min_from >= release.name.version)
      return corrupt("\"min_from\" is not below the release's own version");
  }
  if (json.has("barrier")) {
    CUBE_TRY(release.barrier, flag_at(json, "barrier"));
  }
  if (json.has("dead_end")) {
    CUBE_TRY(release.dead_end, text_at(json, "dead_end"));
  }
  if (json.has("etcd_minor")) {
    CUBE_TRY(const auto minor, version_at(json, "etcd_minor"));
    release.etcd_minor = minor.text();
    if (std::count(release.etcd_minor.begin(), release.etcd_minor.end(), '.') != 1)
      return corrupt("\"etcd_minor\" is not two numbers, as in 3.5");
  }
  plan.releases.push_back(std::move(release));
  return ok();
}

Status add_point(Ramp& ramp, const Json& json) {
  CUBE_CHECK(check_members(json, {"after", "ppm"}, {}));
  RampPoint point;
  CUBE_TRY(point.after, duration_at(json, "after"));
  CUBE_TRY(const auto ppm, count_at(json, "ppm", 0, all_units));
  point.ppm = static_cast<std::uint32_t>(ppm);
  if (!ramp.points.empty()) {
    const auto& before = ramp.points.back();
    if (point.after <= before.after || point.ppm < before.ppm)
      return corrupt("the ramp is out of order: \"after\" must rise, and \"ppm\" never fall");
  }
  ramp.points.push_back(point);
  return ok();
}

Status read_ramp(Rollout& rollout, const Json& json) {
  CUBE_TRY(rollout.ramp.start, time_at(json, "start"));
  CUBE_CHECK(each_of(json, "ramp", max_ramp_points,
                     [&](const Json& each) { return add_point(rollout.ramp, each); }));
  if (rollout.ramp.points.empty()) return corrupt("\"ramp\" is empty");
  if (!json.has("interpolate")) return ok();
  CUBE_TRY(const auto word, json.string_at("interpolate"));
  if (word != "step" && word != "linear")
    return corrupt("\"interpolate\" is neither \"step\" nor \"linear\"");
  rollout.ramp.interpolate = word == "step" ? Interpolate::step : Interpolate::linear;
  return ok();
}

Result<Canary> read_canary(const Json& json) {
  CUBE_CHECK(check_members(json, {"labels", "after"}, {}));
  Canary canary;
  CUBE_TRY(canary.after, duration_at(json, "after"));
  CUBE_CHECK(each_of(json, "labels", max_labels, [&](const Json& each) -> Status {
    CUBE_TRY(auto label, each.string());
    if (!is_label(label)) return corrupt("no label like \"canary=true\"");
    canary.labels.push_back(std::move(label));
    return ok();
  }));
  if (canary.labels.empty()) return corrupt("\"labels\" is empty");
  return canary;
}

Status read_times(Rollout& rollout, const Json& json) {
  if (json.has("soak")) {
    CUBE_TRY(rollout.soak, duration_at(json, "soak"));
  }
  if (json.has("deadline")) {
    CUBE_TRY(rollout.deadline, duration_at(json, "deadline"));
    if (*rollout.deadline == 0) return corrupt("\"deadline\" is PT0S, so the ramp means nothing");
  }
  if (json.has("attempts")) {
    CUBE_TRY(const auto attempts, count_at(json, "attempts", 1, max_attempts));
    rollout.attempts = static_cast<std::uint32_t>(attempts);
  }
  return ok();
}

Status read_rollout(Plan& plan, const Json& json) {
  CUBE_CHECK(check_members(json, {"id", "release", "salt", "start", "ramp"},
                           {"interpolate", "canary", "soak", "deadline", "attempts", "limits"}));
  Rollout rollout;
  CUBE_TRY(rollout.id, name_at(json, "id"));
  CUBE_TRY(rollout.release, json.string_at("release"));
  CUBE_TRY(rollout.salt, name_at(json, "salt"));
  const auto* release = find_release(plan, rollout.release);
  if (release == nullptr) return corrupt("\"release\" is none of the plan's releases");
  if (!release->dead_end.empty())
    return corrupt("\"release\" is a dead end, so no machine may be led there");
  for (const auto& other : plan.rollouts)
    if (other.id == rollout.id || other.release == rollout.release)
      return corrupt("another rollout has the same id or release");
  CUBE_CHECK(read_ramp(rollout, json));
  if (json.has("canary")) {
    CUBE_TRY(const auto canary, json.member("canary"));
    auto found = read_canary(canary);
    if (!found) return std::move(found).error().in("\"canary\"");
    rollout.canary = std::move(found).value();
  }
  CUBE_CHECK(read_times(rollout, json));
  if (json.has("limits")) {
    CUBE_TRY(const auto member, json.member("limits"));
    auto limits = read_limits(member);
    if (!limits) return std::move(limits).error().in("\"limits\"");
    rollout.limits = with(rollout.limits, *limits);
  }
  plan.rollouts.push_back(std::move(rollout));
  return ok();
}

Result<Plan> plan_of(std::string_view text) {
  CUBE_TRY(const Json json, Json::parse(text, {max_plan_bytes, 8}));
  CUBE_CHECK(check_members(json, {"schema", "serial", "issued", "expires", "releases", "rollouts"},
                           {"channel", "halt", "blocked", "windows"}));
  Plan plan;
  CUBE_CHECK(read_head(plan, json));
  if (json.has("channel")) {
    CUBE_TRY(plan.channel, name_at(json, "channel"));
  }
  CUBE_CHECK(each_of(json, "releases", max_planned_releases,
                     [&](const Json& each) { return read_release(plan, each); }));
  CUBE_CHECK(each_of(json, "rollouts", max_rollouts,
                     [&](const Json& each) { return read_rollout(plan, each); }));
  AnyWindow windows;
  CUBE_CHECK(read_windows(windows, json));
  if (!windows.empty()) plan.windows.push_back(std::move(windows));
  return plan;
}

Result<SitePlan> site_plan_of(std::string_view text) {
  CUBE_TRY(const Json json, Json::parse(text, {max_plan_bytes, 8}));
  for (const char* key : {"releases", "rollouts"})
    if (json.has(key))
      return corrupt(std::string("\"") + key + "\": a site's plan only narrows, it offers nothing");
  CUBE_CHECK(check_members(json, {"schema", "serial", "issued", "expires"},
                           {"halt", "blocked", "windows", "pin", "limits"}));
  SitePlan site;
  CUBE_CHECK(read_head(site, json));
  if (json.has("pin")) {
    CUBE_TRY(site.pin, version_at(json, "pin"));
  }
  CUBE_CHECK(read_windows(site.windows, json));
  if (json.has("limits")) {
    CUBE_TRY(const auto member, json.member("limits"));
    auto limits = read_limits(member);
    if (!limits) return std::move(limits).error().in("\"limits\"");
    site.limits = *limits;
  }
  return site;
}

}  // namespace

Result<Plan> read_plan(std::string_view text) {
  auto plan = plan_of(text);
  if (!plan) return std::move(plan).error().in("plan");
  return plan;
}

Result<SitePlan> read_site_plan(std::string_view text) {
  auto site = site_plan_of(text);
  if (!site) return std::move(site).error().in("site's plan");
  return site;
}

}  // namespace cube::fleet
