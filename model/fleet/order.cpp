#include "model/fleet/order.h"

#include <algorithm>

#include "base/mutation.h"
#include "model/release.h"

namespace cube::fleet {
namespace {

bool has_it(const std::string& release, const std::string& wanted) {
  if (release == wanted) return true;
  const auto there = ReleaseName::parse(release), here = ReleaseName::parse(wanted);
  return there && here && compare_age(*there, *here) >= 0;
}

bool is_member(const std::set<std::string>& roles) {
  return roles.count(store_role) != 0;
}

// The first that satisfies `condition` and is still to come; nullptr: none.
template <typename Condition>
const Fellow* still_to_come(const std::vector<Fellow>& fellows, const GateFacts& facts,
                            const Candidate& candidate, Condition condition) {
  for (const auto& fellow : fellows) {
    const bool failed =
        std::any_of(facts.failures.begin(), facts.failures.end(), [&](const Failure& failure) {
          return failure.node == fellow.node && failure.rollout == candidate.rollout;
        });
    const bool done =
        has_it(fellow.release, candidate.release) && holder_of(facts, fellow.node) == nullptr;
    if (fellow.node != candidate.node && !failed && !done && condition(fellow)) return &fellow;
  }
  return nullptr;
}

}  // namespace

std::string goes_after(const std::vector<Fellow>& fellows, const GateFacts& facts,
                       const Candidate& candidate, const InOrder& mine) {
  if (mutated("gate-order-ignored")) return "";
  const auto lower = [&](const Fellow& one) { return one.order < mine.order; };
  if (const auto* first = still_to_come(fellows, facts, candidate, lower))
    return first->node + (first->order == canary_order ? ", a canary, goes first"
                                                       : " goes first, by fleet.order");
  if (!is_member(candidate.roles)) return "";
  const auto member = [](const Fellow& one) { return is_member(one.roles); };
  const auto* other = still_to_come(fellows, facts, candidate, member);
  if (mine.leads_store && other != nullptr)
    return "this machine leads etcd, and goes after its other members; " + other->node +
           " is still to come";
  if (!mine.renews_store || other != nullptr) return "";
  const auto anybody = [](const Fellow&) { return true; };
  if (const auto* last = still_to_come(fellows, facts, candidate, anybody))
    return "with this machine all of etcd's members have its new version, and there is no way "
           "back; " +
           last->node + " is still to come";
  return "";
}

}  // namespace cube::fleet
