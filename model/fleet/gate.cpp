#include "model/fleet/gate.h"

#include <algorithm>

#include "base/mutation.h"

namespace cube::fleet {
namespace {

GateVerdict refuse(const char* word, std::string why) {
  return {Answer::refused, word, std::move(why), 0};
}

std::string said(const Notice& notice) {
  return notice.reason + (notice.by.empty() ? "" : " (" + notice.by + ")");
}

// A domain that nobody knows is one of its own.
bool same_domain(const Holder& left, const std::string& node, const std::string& domain) {
  return domain.empty() || left.domain.empty() ? left.node == node : left.domain == domain;
}

// What keeps everybody of the cluster from beginning.
std::optional<GateVerdict> standing_still(const GateFacts& facts, const Candidate& candidate) {
  if (!facts.unreadable.empty() && !mutated("gate-unreadable-ignored"))
    return refuse("unreadable", "the gate holds a key without sense: " + facts.unreadable.front());
  if (facts.halt && !mutated("gate-halt-ignored"))
    return refuse("halted", "halted: " + said(*facts.halt));
  if (facts.pause) return refuse("paused", "paused: " + said(*facts.pause));
  if (const auto found = facts.blocked.find(candidate.release); found != facts.blocked.end())
    return refuse("blocked", candidate.release + " is blocked in this cluster: " + found->second);
  if (!facts.plan) return std::nullopt;
  if (facts.plan->serial > candidate.plan.serial)
    return refuse("old-plan", "this machine knows plan " + std::to_string(candidate.plan.serial) +
                                  ", the cluster is at " + std::to_string(facts.plan->serial));
  if (facts.plan->serial == candidate.plan.serial && facts.plan->sha256 != candidate.plan.sha256)
    return refuse("other-plan", "the cluster acts by another plan of the same serial " +
                                    std::to_string(facts.plan->serial));
  return std::nullopt;
}

// Why these failures are too many; "": they are not.
std::string too_many(const std::vector<const Failure*>& failures, const Limits& limits,
                     std::uint64_t succeeded) {
  if (failures.empty()) return "";
  const auto count = failures.size();
  const auto& first = *failures.front();
  const std::string text = count == 1 ? first.node + " failed: " + first.why
                                      : std::to_string(count) + " machines failed, " + first.node +
                                            " as the first by name: " + first.why;
  const bool canary = std::any_of(failures.begin(), failures.end(),
                                  [](const Failure* failure) { return failure->canary; });
  if (canary) return "a canary failed; " + text;
  if (count >= limits.fail_count && !mutated("gate-failures-ignored")) return text;
  const auto finished = count + succeeded;
  if (finished >= limits.fail_min_sample && count * 100 >= finished * limits.fail_percent)
    return text + " (of " + std::to_string(finished) + " that finished)";
  return "";
}

std::optional<GateVerdict> failing(const GateFacts& facts, const Candidate& candidate,
                                   const Limits& limits) {
  std::vector<const Failure*> counted;
  for (const auto& failure : facts.failures) {
    if (failure.rollout != candidate.rollout) continue;
    if (failure.node == candidate.node)
      return refuse("failed-here",
                    "rollout " + candidate.rollout + " failed on this machine: " + failure.why);
    // What is not known matches everything.
    const bool elsewhere = limits.by_hardware && !failure.hardware.empty() &&
                           !candidate.hardware.empty() && failure.hardware != candidate.hardware;
    if (!elsewhere) counted.push_back(&failure);
  }
  const auto why = too_many(counted, limits, candidate.finished);
  if (why.empty()) return std::nullopt;
  return refuse("failures", "rollout " + candidate.rollout + " has failed too often: " + why +
                                (limits.by_hardware ? "; machines like those wait" : ""));
}

std::optional<GateVerdict> crowded(const GateFacts& facts, const Candidate& candidate,
                                   const Limits& limits) {
  if (facts.holders.empty()) return std::nullopt;
  const auto& first = facts.holders.front();
  if (facts.holders.size() >= limits.max_unavailable && !mutated("gate-over-max"))
    return refuse("busy",
                  "busy: " + first.node + " holds a place since " + format_utc(first.since) +
                      (facts.holders.size() == 1
                           ? ""
                           : ", and " + std::to_string(facts.holders.size() - 1) + " more"));
  for (const auto& holder : facts.holders) {
    if (limits.one_domain && !same_domain(holder, candidate.node, candidate.domain) &&
        !mutated("gate-two-domains"))
      return refuse("domain", holder.node + " of " +
                                  (holder.domain.empty() ? "an unknown failure domain"
                                                         : "failure domain " + holder.domain) +
                                  " is away");
    for (const auto& role : candidate.roles)
      if (holder.roles.count(role) != 0 && !mutated("gate-quorum-ignored"))
        return refuse("quorum",
                      holder.node + " is away, a member of " + role + " as this machine is");
  }
  return std::nullopt;
}

}  // namespace

const Holder* holder_of(const GateFacts& facts, const std::string& node) {
  for (const auto& holder : facts.holders)
    if (holder.node == node) return &holder;
  return nullptr;
}

Limits stricter(const Limits& left, const Limits& right) {
  Limits limits;
  limits.max_unavailable = std::min(left.max_unavailable, right.max_unavailable);
  limits.one_domain = left.one_domain || right.one_domain;
  limits.fail_count = std::min(left.fail_count, right.fail_count);
  limits.fail_percent = std::min(left.fail_percent, right.fail_percent);
  limits.fail_min_sample = std::min(left.fail_min_sample, right.fail_min_sample);
  limits.by_hardware = left.by_hardware && right.by_hardware;
  limits.hold_deadline = std::min(left.hold_deadline, right.hold_deadline);
  return limits;
}

Limits limits_here(const GateFacts& facts, const Limits& plan) {
  return stricter(plan, with(plan, facts.policy));
}

GateVerdict decide_gate(const GateFacts& facts, const Candidate& candidate, const Limits& plan) {
  const auto limits = limits_here(facts, plan);
  if (const auto* holder = holder_of(facts, candidate.node)) {
    if (holder->nonce == candidate.nonce) return {Answer::mine, "", "", holder->created};
    return refuse("other-holder",
                  "a place is held under this machine's name, by another machine or an earlier "
                  "update; see `cube-update fleet unlock`");
  }
  if (auto refusal = standing_still(facts, candidate)) return *std::move(refusal);
  if (auto refusal = failing(facts, candidate, limits)) return *std::move(refusal);
  if (auto refusal = crowded(facts, candidate, limits)) return *std::move(refusal);
  return {Answer::may_take, "", "", 0};
}

std::string reason_to_halt(const GateFacts& facts, const std::string& rollout, const Limits& plan,
                           std::uint64_t finished) {
  const auto limits = limits_here(facts, plan);
  if (limits.by_hardware) return "";
  std::vector<const Failure*> counted;
  for (const auto& failure : facts.failures)
    if (failure.rollout == rollout) counted.push_back(&failure);
  const auto why = too_many(counted, limits, finished);
  return why.empty() ? "" : "rollout " + rollout + ": " + why;
}

std::string must_turn_back(const GateFacts& facts, const Candidate& candidate,
                           std::int64_t created) {
  const auto* holder = holder_of(facts, candidate.node);
  if (holder == nullptr) return "the place was taken away: somebody unlocked it";
  if (holder->nonce != candidate.nonce || holder->created != created)
    return "the place belongs to another holding by now";
  if (mutated("gate-no-last-look")) return "";
  const auto stopped = standing_still(facts, candidate);
  return stopped ? stopped->why : "";
}

std::string broken_rule(const GateFacts& facts, const Limits& plan) {
  const auto limits = limits_here(facts, plan);
  const auto& holders = facts.holders;
  if (holders.size() > limits.max_unavailable)
    return std::to_string(holders.size()) + " places are held, and " +
           std::to_string(limits.max_unavailable) + " may be";
  for (std::size_t i = 0; i < holders.size(); ++i)
    for (std::size_t j = i + 1; j < holders.size(); ++j) {
      const auto pair = holders[i].node + " and " + holders[j].node;
      if (limits.one_domain && !same_domain(holders[i], holders[j].node, holders[j].domain))
        return pair + " of two failure domains are away";
      for (const auto& role : holders[i].roles)
        if (holders[j].roles.count(role) != 0)
          return pair + ", both members of " + role + ", are away";
    }
  return "";
}

}  // namespace cube::fleet
