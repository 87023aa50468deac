#include "agent/readiness/fleet_readiness.h"

#include <algorithm>

#include "base/mutation.h"

namespace cube {
namespace {

constexpr Seconds day = 86400;
constexpr Seconds soon = 14 * day;    // a publisher's time to renew a plan
constexpr Seconds clocks_apart = 60;  // more than a message takes

FleetAnswer config(const FleetFacts& facts) {
  if (!facts.config_trouble.empty())
    return {Ready::no, facts.config_trouble, "see [fleet] in cube-update.conf(5)"};
  std::string how;
  if (!facts.cluster.empty()) how = "machine " + facts.member.node + " of cluster " + facts.cluster;
  if (facts.heeds_plan) how += (how.empty() ? "" : ", ") + std::string("heeds the rollout plan");
  return {Ready::yes, how};
}

FleetAnswer gate(const FleetFacts& facts) {
  if (!facts.view)
    return {Ready::no, "it cannot be read, so nobody begins: " + facts.view.error().what,
            "see to what is above"};
  const auto& gate = facts.view->gate;
  if (!gate.unreadable.empty() && !mutated("fleet-foreign-key-passes"))
    return {Ready::no,
            std::to_string(gate.unreadable.size()) + " keys that make no sense, as " +
                gate.unreadable.front() + "; nobody begins",
            "find out who wrote it; a newer program may know it; else `etcdctl del` it"};
  if (const auto broken = broken_rule(gate, facts.limits); !broken.empty())
    return {Ready::no, broken, "find out how, and `cube-update fleet unlock` what is not away"};
  for (const auto* notice : {&gate.halt, &gate.pause})
    if (*notice)
      return {Ready::warning,
              std::string(notice == &gate.halt ? "halted: " : "paused: ") + (*notice)->reason +
                  " (" + (*notice)->by + ")",
              "`cube-update fleet resume` when that is settled"};
  return {Ready::yes, "readable; " + std::to_string(gate.holders.size()) + " places are held, " +
                          std::to_string(facts.view->waiting) + " machines wait"};
}

bool is_of_other_hardware(const FleetFacts& facts) {
  const auto record = fleet::read_record(facts.member.node, *facts.own_record);
  return record && record->hardware != facts.member.hardware;
}

FleetAnswer node(const FleetFacts& facts) {
  if (!facts.view || !facts.memory)
    return {Ready::unknown, facts.view ? facts.memory.error().what : facts.view.error().what};
  const auto& name = facts.member.node;
  const auto& memory = *facts.memory;
  const auto* holder = holder_of(facts.view->gate, name);
  const bool mine =
      holder != nullptr && !memory.self.empty() && holder->nonce.starts_with(memory.self + "-");
  const std::string remedy =
      "give each machine a fleet.node of its own; `cube-update fleet unlock` a place that nobody "
      "holds any more";
  if (holder != nullptr && !mine)
    return {Ready::no, "a place is held as " + name + ", and not by this machine", remedy};
  if (facts.own_record && is_of_other_hardware(facts))
    return {Ready::no, "the cluster has a record of " + name + " with other hardware", remedy};
  // It is written before it is remembered, so for a moment it may be this machine's own.
  if (facts.own_record && *facts.own_record != memory.shown)
    return {Ready::warning,
            "the cluster has a record of " + name + " that this machine does not remember",
            "look again in five minutes; then: " + remedy};
  return {Ready::yes, "nobody else is " + name};
}

FleetAnswer domain(const FleetFacts& facts) {
  if (!facts.member.domain.empty()) return {Ready::yes, facts.member.domain};
  return {Ready::warning, "not known: shared with nobody, so this machine is away alone",
          "set fleet.domain, such as its rack"};
}

FleetAnswer roles(const FleetFacts& facts) {
  if (facts.member.roles.empty())
    return {Ready::yes,
            "of no quorum; a machine with etcd, a Ceph monitor or Galera says so in "
            "fleet.roles"};
  std::string how;
  for (const auto& role : facts.member.roles) how += (how.empty() ? "" : ", ") + role;
  return {Ready::yes, how};
}

// Records have the time at which a machine wrote them: only one from the future tells something.
FleetAnswer clocks(const FleetFacts& facts) {
  if (!facts.view) return {Ready::unknown, facts.view.error().what};
  for (const auto& one : facts.view->nodes)
    if (one.at > facts.now + clocks_apart)
      return {Ready::warning,
              one.node + " wrote its record on " + format_utc(one.at) + ", and here it is " +
                  format_utc(facts.now),
              "set both clocks: windows and ramps are judged by them"};
  return {Ready::yes, "no record of the others is from the future"};
}

FleetAnswer memory(const FleetFacts& facts) {
  if (!facts.memory)
    return {Ready::no, facts.memory.error().what,
            "remove /var/lib/cube-update/fleet.json, then `cube-update fleet unlock` this machine"};
  const auto& memory = *facts.memory;
  if (memory.wary)
    return {Ready::warning, "the data of the cluster's store were replaced: this machine waits",
            "it goes on by itself after a hold deadline"};
  if (memory.place)
    return {Ready::yes, std::string(memory.holds_place() ? "holds" : "wants") + " a place for " +
                            memory.place->release};
  return {Ready::yes, "no place is held"};
}

FleetAnswer plan(const FleetFacts& facts) {
  if (!facts.plan) {
    const bool none = facts.plan.error().code == Errc::not_found;
    return {none ? Ready::warning : Ready::no,
            none ? "none was believed yet: nothing begins by itself" : facts.plan.error().what,
            "`cube-update fleet plan` asks for it and says what is wrong"};
  }
  const auto& plan = facts.plan->plan;
  const std::string how =
      "serial " + std::to_string(plan.serial) + ", expires on " + format_utc(plan.expires);
  if (facts.view && facts.view->gate.plan && !mutated("fleet-old-plan-passes")) {
    const auto& mark = *facts.view->gate.plan;
    if (mark.serial > plan.serial)
      return {Ready::no, how + "; the cluster is at " + std::to_string(mark.serial),
              "`cube-update check` fetches the newest; see whether the source is behind"};
    if (mark.serial == plan.serial && mark.sha256 != facts.plan->sha256)
      return {Ready::no, how + "; the cluster acts by another plan of this serial",
              "two plans were signed with one serial: the publisher gives the next one"};
  }
  if (plan.expires <= facts.now)
    return {Ready::no, how, "the publisher has to renew it; nothing begins meanwhile"};
  if (plan.halt) return {Ready::warning, how + "; halted: " + *plan.halt};
  if (plan.expires - facts.now < soon)
    return {Ready::warning, how, "the publisher has to renew it before that"};
  return {Ready::yes, how};
}

bool brings_any(const FleetFacts& facts, const std::string& occasion) {
  return std::any_of(facts.hooks.begin(), facts.hooks.end(), [&](const FleetHooks& one) {
    return one.occasion == occasion && one.hooks && !one.hooks->empty();
  });
}

FleetAnswer hooks(const FleetFacts& facts, const FleetHooks& folder) {
  if (!folder.hooks) return {Ready::no, folder.hooks.error().what, "see docs/hooks.md"};
  std::string names;
  for (const auto& hook : *folder.hooks) {
    if (!hook.defect.empty())
      return {Ready::no, hook.path + ": " + hook.defect, "until then it counts as a no"};
    names += (names.empty() ? "" : ", ") + hook.name;
  }
  if (!names.empty()) return {Ready::yes, names};
  if (folder.occasion == "undrain.d" && !brings_any(facts, "pre-reboot.d"))
    return {Ready::yes, "none, and none in pre-reboot.d that it would undo"};
  if (folder.occasion == "undrain.d")
    return {Ready::warning, "none", "what pre-reboot.d does is undone by nobody"};
  if (folder.occasion == "cluster-health.d")
    return {Ready::warning, "none", "the next machine goes as soon as this one is committed"};
  return {Ready::yes, "none: it restarts without being drained"};
}

}  // namespace

std::vector<ReadinessFinding> judge_fleet(const FleetFacts& facts) {
  std::vector<ReadinessFinding> findings;
  const auto add = [&](std::string name, std::string what, FleetAnswer answer) {
    findings.push_back({std::move(name), std::move(what), answer.ready, std::move(answer.how),
                        std::move(answer.remedy)});
  };
  add("config", "the configuration", config(facts));
  if (!facts.cluster.empty()) {
    for (std::size_t place = 0; place < facts.endpoints.size(); ++place)
      add("endpoint", facts.endpoints[place].url, judge_endpoint(facts, place));
    add("login", "this machine is let in", judge_login(facts));
    add("members", "the members of etcd", judge_members(facts));
    add("space", "room in etcd", judge_space(facts));
    add("compaction", "etcd forgets what is old", judge_compaction(facts));
    add("gate", "the cluster's gate", gate(facts));
    add("node", "the name of this machine is its own", node(facts));
    add("domain", "its failure domain", domain(facts));
    add("roles", "quorums that it is a member of", roles(facts));
    add("clocks", "the clocks of the others", clocks(facts));
    add("memory", "what this machine remembers of its turn", memory(facts));
  }
  if (facts.heeds_plan) add("plan", "the rollout plan", plan(facts));
  if (!facts.cluster.empty())
    for (const auto& folder : facts.hooks)
      add("hooks", "hooks of " + folder.occasion, hooks(facts, folder));
  return findings;
}

}  // namespace cube
