#include "agent/fleet/plan_source.h"

#include "base/digest.h"
#include "base/durable_file.h"
#include "base/mutation.h"

namespace cube::fleet {
namespace {

constexpr const char* folder = "var/lib/cube-update/fleet";
constexpr const char* plan_file = "var/lib/cube-update/fleet/plan.json";
constexpr const char* site_file = "var/lib/cube-update/fleet/site.json";

Error untrusted(const std::string& what) {
  return {Errc::untrusted, what};
}

Result<PlanInForce> in_force(const std::string& text, const std::optional<std::string>& site_text) {
  PlanInForce force;
  force.sha256 = to_hex(sha256(text));
  CUBE_TRY(force.plan, read_plan(text));
  if (!site_text) return force;
  CUBE_TRY(const auto site, read_site_plan(*site_text));
  force.site_serial = site.serial;
  CUBE_TRY(force.plan, narrow(std::move(force.plan), site));
  return force;
}

Status check_serial(const char* target, std::uint64_t offered, std::uint64_t known,
                    bool same_text) {
  if (same_text || offered > known || mutated("plan-lower-serial")) return ok();
  if (offered == known)
    return untrusted(std::string(target) + ": there are two with serial " + std::to_string(known));
  return untrusted(std::string(target) + ": serial " + std::to_string(offered) +
                   " is offered, and " + std::to_string(known) + " was believed here before");
}

}  // namespace

Result<std::optional<std::string>> PlanSource::kept_text(const std::string& file) const {
  auto text = root_.read_file(file, max_plan_bytes);
  if (!text && text.error().code == Errc::not_found) return std::optional<std::string>();
  if (!text) return std::move(text).error();
  return std::optional<std::string>(std::move(text).value());
}

Status PlanSource::keep(const std::string& file, const std::string& text) const {
  CUBE_CHECK(root_.make_dirs(folder));
  return replace_file(root_, file, text);
}

// nullopt: the repository has none.
template <typename T>
Result<std::optional<std::string>> PlanSource::read_newer(
    ReleaseChannel& channel, const char* role, const char* target, const std::string& file,
    Result<T> (*parse)(std::string_view)) const {
  auto offered = channel.document(role, target, max_plan_bytes);
  if (!offered && offered.error().code == Errc::not_found) return std::optional<std::string>();
  if (!offered) return std::move(offered).error();
  const auto& text = offered->get();
  auto plan = parse(text);
  // It is signed and makes no sense, so it is not believed.
  if (!plan) return untrusted(std::string(target) + ": " + plan.error().what);
  CUBE_TRY(const auto before, kept_text(file));
  if (before) {
    auto known = parse(*before);
    if (!known) return std::move(known).error().in(root_.join(file));
    CUBE_CHECK(check_serial(target, plan->serial, known->serial, *before == text));
  }
  if (before != text) CUBE_CHECK(keep(file, text));
  return std::optional<std::string>(text);
}

Result<PlanInForce> PlanSource::read(ReleaseChannel& channel) const {
  CUBE_TRY(const auto text,
           read_newer<Plan>(channel, plan_role, plan_target, plan_file, read_plan));
  CUBE_TRY(auto site,
           read_newer<SitePlan>(channel, site_role, site_target, site_file, read_site_plan));
  if (!text)
    return Error{Errc::not_found, "the repository has no rollout plan (" +
                                      std::string(plan_target) + "), and fleet.plan is set"};
  if (!site) {
    CUBE_TRY(site, kept_text(site_file));
  }
  return in_force(*text, site);
}

Result<PlanInForce> PlanSource::kept() const {
  CUBE_TRY(const auto text, kept_text(plan_file));
  CUBE_TRY(const auto site, kept_text(site_file));
  if (!text) return Error{Errc::not_found, "no rollout plan was believed here yet"};
  auto force = in_force(*text, site);
  if (!force) return std::move(force).error().in(root_.join(folder));
  return force;
}

Result<std::map<std::string, std::string>> blocked_by_plan(const RootDir& root) {
  std::map<std::string, std::string> blocked;
  const auto force = PlanSource(root).kept();
  if (!force && force.error().code == Errc::not_found) return blocked;
  if (!force) return force.error();
  for (const auto& each : force->plan.blocked)
    blocked[each.name] = "by the rollout plan: " + each.reason;
  return blocked;
}

}  // namespace cube::fleet
