#include "release/plan_check.h"

#include <algorithm>

#include "model/fleet/plan_windows.h"
#include "release/delegates.h"

namespace cube {
namespace {

using fleet::Plan;
using fleet::PlanHead;

constexpr Seconds usual_restart = 900;  // trial.deadline's default

Result<std::optional<std::string>> published_text(const Publisher* publisher, bool site) {
  if (publisher == nullptr) return std::optional<std::string>();
  return Publisher::Delegates(*publisher)
      .published(site ? fleet::site_role : fleet::plan_role,
                 site ? fleet::site_target : fleet::plan_target, fleet::max_plan_bytes);
}

Status check_serial(const PlanHead& plan, const std::string& text,
                    const std::optional<std::string>& before, bool site) {
  if (!before) return ok();
  if (*before == text) return Error{Errc::nothing_to_do, "that plan is published already"};
  std::uint64_t serial = 0;
  if (site) {
    CUBE_TRY(const auto known, fleet::read_site_plan(*before));
    serial = known.serial;
  } else {
    CUBE_TRY(const auto known, fleet::read_plan(*before));
    serial = known.serial;
  }
  if (plan.serial > serial) return ok();
  return Error{Errc::invalid,
               "plan: its serial is " + std::to_string(plan.serial) + ", and " +
                   std::to_string(serial) +
                   " is published, so machines would refuse it; give it a higher one"};
}

Status check_windows(const Plan& plan, UnixSeconds now, std::vector<std::string>& warnings) {
  CUBE_TRY(const auto windows, fleet::PlanWindows::of(plan, TimeZone::utc()));
  if (windows.none()) return ok();
  if (!windows.next(now))
    return Error{Errc::refused,
                 "plan: no window opens within 400 days, so no machine would ever "
                 "restart; change its windows or their exceptions"};
  if (!windows.next(now, usual_restart))
    warnings.emplace_back(
        "no window is longer than 15 minutes, which is what a machine takes a restart to need "
        "unless "
        "it is configured otherwise");
  return ok();
}

Status check_rollouts(const Plan& plan, const Publisher* publisher,
                      std::vector<std::string>& warnings) {
  std::vector<Release> offered;
  if (publisher != nullptr) {
    CUBE_TRY(offered, publisher->published());
  }
  for (const auto& rollout : plan.rollouts) {
    const bool there = std::any_of(offered.begin(), offered.end(), [&](const Release& each) {
      return each.name.text == rollout.release;
    });
    if (publisher != nullptr && !there)
      return Error{Errc::refused, "plan: rollout " + rollout.id + " is of " + rollout.release +
                                      ", which is not published; publish it first"};
    if (find_blocked(plan, rollout.release) != nullptr)
      warnings.push_back("rollout " + rollout.id + " is of a release that the plan blocks");
    if (rollout.ramp.points.back().ppm < fleet::all_units && !rollout.deadline)
      warnings.push_back("rollout " + rollout.id + " ends at " +
                         std::to_string(rollout.ramp.points.back().ppm) +
                         " of a million, and has no deadline: the others never get it");
  }
  return ok();
}

}  // namespace

Result<CheckedPlan> check_plan(const std::string& text, bool site, UnixSeconds now,
                               const Publisher* publisher) {
  CheckedPlan checked;
  CUBE_TRY(const auto before, published_text(publisher, site));
  if (site) {
    CUBE_TRY(const auto narrowing, fleet::read_site_plan(text));
    CUBE_CHECK(check_serial(narrowing, text, before, site));
    checked.serial = narrowing.serial;
    CUBE_TRY(const auto whole, published_text(publisher, false));
    if (!whole)
      return Error{Errc::invalid,
                   "site's plan: there is no published plan that it could narrow; name the "
                   "repository with --repository"};
    CUBE_TRY(auto plan, fleet::read_plan(*whole));
    CUBE_TRY(checked.plan, narrow(std::move(plan), narrowing));
  } else {
    CUBE_TRY(checked.plan, fleet::read_plan(text));
    CUBE_CHECK(check_serial(checked.plan, text, before, site));
    checked.serial = checked.plan.serial;
  }
  if (checked.plan.expires <= now)
    return Error{Errc::refused, "plan: it expired on " + format_utc(checked.plan.expires)};
  CUBE_CHECK(check_windows(checked.plan, now, checked.warnings));
  CUBE_CHECK(check_rollouts(checked.plan, publisher, checked.warnings));
  return checked;
}

}  // namespace cube
