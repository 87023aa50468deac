#include <algorithm>
#include <set>

#include "agent/readiness/fleet_readiness.h"
#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::uint64_t mebibyte = 1024 * 1024;
// Of the quota that etcd has by default, 2 GiB; it tells nobody which one it has.
constexpr std::uint64_t much = 1536 * mebibyte;
constexpr std::uint64_t worth_defragmenting = 256 * mebibyte;
constexpr fleet::Revision many_changes = 100'000;

bool is_tried(const std::string& version) {
  return version.starts_with("3.4.") || version.starts_with("3.5.");
}

bool answers(const FleetEndpoint& endpoint) {
  return static_cast<bool>(endpoint.status);
}

std::string name_of(const FleetFacts& facts, std::uint64_t id) {
  if (facts.members)
    for (const auto& member : *facts.members)
      if (member.id == id) return member.name.empty() ? "a new member" : member.name;
  return "an unknown member";
}

std::string sized(std::uint64_t bytes) {
  return std::to_string(bytes / mebibyte) + " MiB";
}

}  // namespace

FleetAnswer judge_endpoint(const FleetFacts& facts, std::size_t place) {
  const auto& endpoint = facts.endpoints[place];
  if (!endpoint.status) {
    const auto& error = endpoint.status.error();
    const bool another = std::any_of(facts.endpoints.begin(), facts.endpoints.end(), answers);
    // Whom we do not believe, or who does not believe us, is never just away.
    const bool away = error.code == Errc::unreachable && another;
    return {away ? Ready::warning : Ready::no, error.what,
            error.code == Errc::untrusted
                ? "see to fleet.ca-file, fleet.client-certificate and fleet.user"
                : "start etcd there, or correct fleet.endpoints"};
  }
  const auto& status = *endpoint.status;
  const std::string how = "etcd " + status.version + ", member " + name_of(facts, status.member) +
                          (status.leader == status.member ? ", the leader" : "");
  for (const auto& other : facts.endpoints)
    if (&other != &endpoint && other.status && other.status->member == status.member)
      return {Ready::warning, how + ", as is " + other.url,
              "name each member once, so that another is asked when one is away"};
  if (status.leader == 0)
    return {Ready::no, how + ", and it knows no leader", "bring back a majority of the members"};
  if (!status.errors.empty())
    return {Ready::warning, how + "; it says: " + status.errors.front(), "see etcd's own log"};
  if (!is_tried(status.version)) return {Ready::warning, how, "only 3.4 and 3.5 were tried"};
  return {Ready::yes, how};
}

FleetAnswer judge_login(const FleetFacts& facts) {
  const std::string who = facts.user.empty() ? "without a user" : "user " + facts.user;
  if (facts.view) {
    if (!facts.user.empty()) return {Ready::yes, who + " is let in and may read the gate"};
    return {facts.plain_http ? Ready::warning : Ready::yes,
            who + ", " + (facts.plain_http ? "and without TLS" : "by TLS") + ": etcd asks for none",
            facts.plain_http
                ? "whoever reaches etcd can hold this cluster's updates back; let it ask for TLS"
                : ""};
  }
  const auto& error = facts.view.error();
  if (error.code == Errc::untrusted)
    return {Ready::no, who + ": " + error.what,
            "see to fleet.user and fleet.password-file, and to the user's role in etcd"};
  return {Ready::unknown, error.what};
}

FleetAnswer judge_members(const FleetFacts& facts) {
  if (!facts.members) return {Ready::unknown, facts.members.error().what};
  std::set<std::uint64_t> healthy;
  for (const auto& endpoint : facts.endpoints)
    if (endpoint.status && endpoint.status->leader != 0) healthy.insert(endpoint.status->member);
  std::size_t voters = 0, seen = 0;
  std::string silent;
  for (const auto& member : *facts.members) {
    if (member.learner) continue;
    ++voters;
    if (healthy.count(member.id) != 0)
      ++seen;
    else
      silent += (silent.empty() ? "" : ", ") + name_of(facts, member.id);
  }
  const auto majority = voters / 2 + 1;
  const std::string how = std::to_string(seen) + " of " + std::to_string(voters) +
                          " members answer" + (silent.empty() ? "" : ", not " + silent);
  if (seen < majority)
    return {Ready::no, how + ": that is no majority",
            "bring members back, or name all of them in fleet.endpoints"};
  if (seen - 1 < majority && !mutated("fleet-quorum-overrated"))
    return {Ready::warning, how + ": while one more is away nobody begins",
            silent.empty() ? "three members let one be away"
                           : "bring it back, or name it in fleet.endpoints"};
  if (!silent.empty()) return {Ready::warning, how, "bring it back, or name it in fleet.endpoints"};
  return {Ready::yes, how + ": one may be away"};
}

FleetAnswer judge_space(const FleetFacts& facts) {
  if (!facts.alarms) return {Ready::unknown, facts.alarms.error().what};
  for (const auto& alarm : *facts.alarms) {
    const auto how = "alarm " + alarm.kind + " of " + name_of(facts, alarm.member);
    if (alarm.kind == "NOSPACE")
      return {Ready::no, how + ": etcd takes no more, so nobody begins",
              "compact, `etcdctl defrag`, then `etcdctl alarm disarm`"};
    return {Ready::no, how, "see etcd's documentation; nothing it says is to be relied on"};
  }
  std::uint64_t most = 0, used = 0;
  for (const auto& endpoint : facts.endpoints)
    if (endpoint.status && endpoint.status->database_bytes >= most) {
      most = endpoint.status->database_bytes;
      used = endpoint.status->bytes_in_use;
    }
  const auto how = "the largest database has " + sized(most) + ", " + sized(used) +
                   " of it in use; etcd does not tell its quota";
  if (most >= much)
    return {Ready::warning, how, "it may reach the quota (2 GiB by default): compact, defragment"};
  if (most >= worth_defragmenting && used < most / 2)
    return {Ready::warning, how, "`etcdctl defrag` gives the rest back"};
  return {Ready::yes, how};
}

FleetAnswer judge_compaction(const FleetFacts& facts) {
  if (!facts.compacted) return {Ready::unknown, facts.compacted.error().what};
  if (*facts.compacted) return {Ready::yes, "old revisions have been compacted"};
  const auto revision = facts.memory ? facts.memory->revision : 0;
  const std::string how = "nothing was ever compacted";
  if (revision < many_changes)
    return {Ready::unknown, how + ", and there is little to be compacted; etcd does not tell more",
            "start etcd with --auto-compaction-retention=1h"};
  return {Ready::warning, how + " in " + std::to_string(revision) + " changes",
          "start etcd with --auto-compaction-retention=1h: its database grows for ever"};
}

}  // namespace cube
