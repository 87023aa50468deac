#include "model/fleet/plan.h"

#include <algorithm>

#include "base/mutation.h"
#include "model/fleet/gate.h"
#include "model/name.h"

namespace cube::fleet {
namespace {

template <typename List, typename NameOf>
const typename List::value_type* find_named(const List& list, const NameOf& name_of,
                                            const std::string& name) {
  const auto found = std::find_if(list.begin(), list.end(),
                                  [&](const auto& each) { return name_of(each) == name; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

bool is_label(std::string_view text) {
  const auto equals = text.find('=');
  return equals != std::string_view::npos && is_safe_name(text.substr(0, equals)) &&
         is_safe_name(text.substr(equals + 1));
}

const PlannedRelease* find_release(const Plan& plan, const std::string& name) {
  return find_named(
      plan.releases, [](const PlannedRelease& each) { return each.name.text; }, name);
}

Limits strictest_limits(const Plan& plan) {
  if (plan.rollouts.empty()) return {};
  Limits limits = plan.rollouts.front().limits;
  for (const auto& rollout : plan.rollouts) limits = stricter(limits, rollout.limits);
  return limits;
}

const BlockedRelease* find_blocked(const Plan& plan, const std::string& name) {
  return find_named(
      plan.blocked, [](const BlockedRelease& each) { return each.name; }, name);
}

Result<Plan> narrow(Plan plan, const SitePlan& site) {
  for (auto& rollout : plan.rollouts) {
    if (const auto wider = widened_by(rollout.limits, site.limits); !wider.empty())
      return Error{Errc::refused, "site's plan: its limit \"" + wider +
                                      "\" would allow more than rollout " + rollout.id +
                                      " does, and a site may only narrow a plan"};
    rollout.limits = with(rollout.limits, site.limits);
  }
  plan.expires = std::min(plan.expires, site.expires);
  if (site.halt) plan.halt = "at this site: " + *site.halt;
  for (const auto& blocked : site.blocked)
    if (find_blocked(plan, blocked.name) == nullptr) plan.blocked.push_back(blocked);
  if (site.pin && (!plan.pin || *site.pin < *plan.pin)) plan.pin = site.pin;
  if (!site.windows.empty() && !mutated("site-windows-ignored"))
    plan.windows.push_back(site.windows);
  return plan;
}

}  // namespace cube::fleet
