// cube-update fleet pause, resume, ...: this machine's part in its cluster, and what operators do
// to it.
#include "agent/cli/fleet_cluster.h"

#include <fmt/format.h>
#include <unistd.h>

#include "agent/cli/announce.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/render.h"
#include "agent/fleet/ending.h"
#include "agent/lock.h"
#include "base/json.h"
#include "base/log.h"

namespace cube::cli {
namespace {

std::string stage_of(const Appliance& appliance, const Journal& journal, std::uint64_t number) {
  for (const auto& attempt : journal.history) {
    if (attempt.number != number || attempt.outcome != Outcome::rolled_back) continue;
    const auto words = last_words_of(appliance, attempt);
    return words ? std::string(to_string(words->diagnosis.stage)) : "";
  }
  return "";
}

fleet::NodeStatus status_here(Appliance& appliance, const Journal& journal,
                              const std::string& told) {
  fleet::NodeStatus status;
  if (auto running = appliance.running_release()) status.release = std::move(*running);
  status.phase = name_of(journal.phase);
  if (const auto* update = update_of(journal.phase)) status.target = update->release.name.text;
  status.says = told;
  if (told.empty() && !journal.history.empty()) {
    const auto& last = journal.history.back();
    status.says = fmt::format("{} {}", last.release, to_string(last.outcome));
    if (last.outcome != Outcome::committed)
      status.says += fmt::format(" ({})", to_string(last.why.cause));
  }
  return status;
}

std::string who(const fleet::Member& member) {
  const char* name = ::getenv("SUDO_USER");
  const std::string user = name != nullptr ? name : "uid " + std::to_string(::getuid());
  return user + " on " + member.node;
}

void tell_act(const std::string& cluster, const std::string& act, bool json) {
  if (json)
    fmt::print("{}\n",
               Json(Json::Object{{"event", "result"}, {"cluster", cluster}, {"act", act}}).line());
  else
    fmt::print("cluster {}: {}\n", cluster, act);
}

// A FleetLock has nothing to be said to but that this machine's place goes back.
Result<int> act_on_lock(Appliance& appliance, fleet::LockTurn& turn, const std::string& act,
                        const FleetActOptions& options, bool json) {
  if (act != "unlock")
    return Error{Errc::invalid,
                 "fleet " + act + ": a FleetLock (fleet.lock-url) knows no such thing"};
  if (options.what != turn.id())
    return Error{Errc::invalid, "fleet unlock: only this machine's own place (" + turn.id() +
                                    ") can be given back here; run it on that machine, or use the "
                                    "lock's own tools"};
  CUBE_TRY(const auto lock, take_lock(appliance.root()));
  CUBE_CHECK(turn.give_back());
  log(Level::warning, "uid " + std::to_string(::getuid()) +
                          " gave back this machine's place at the lock: " + options.reason);
  tell_act(turn.group(), act, json);
  return exit_done;
}

Status act_on(fleet::OperatorActs acts, const std::string& act, const FleetActOptions& o) {
  if (act == "pause") return acts.pause(o.reason);
  if (act == "halt") return acts.halt(o.reason);
  if (act == "resume") return acts.resume(o.reason, o.accept_failures);
  if (act == "unlock") return acts.unlock(o.what, o.reason);
  if (act == "block") return acts.block(o.what, o.reason);
  if (act == "unblock") return acts.unblock(o.what, o.reason);
  if (act == "abort") return acts.abort(o.what, o.reason);
  if (act == "forget") return acts.forget(o.what, o.reason);
  if (act == "set") return acts.set(o.limits, o.reason);
  return Error{Errc::bug, act + ": no such act"};
}

}  // namespace

Result<fleet::ClusterPart*> cluster_of(Appliance& appliance) {
  CUBE_TRY(auto* cluster, appliance.cluster());
  if (cluster == nullptr)
    return Error{Errc::invalid,
                 "this machine is of no cluster; set fleet.cluster and fleet.endpoints in "
                 "/etc/cube-update/config.d"};
  return cluster;
}

Status take_part_in(Appliance& appliance, fleet::ClusterPart& cluster) {
  CUBE_TRY(const auto lock, take_lock(appliance.root()));
  CUBE_TRY(const auto journal, appliance.journal().load());
  auto& participant = cluster.participant();
  CUBE_TRY(const auto place, participant.place());
  fleet::Limits limits;
  if (place) {
    CUBE_TRY(limits, cluster.limits_of(place->rollout));
    auto ending = fleet::ending_of(journal, place->attempt);
    if (ending.fate == fleet::Fate::failed)
      ending.stage = stage_of(appliance, journal, place->attempt);
    CUBE_CHECK(participant.settle(ending, limits));
  }
  CUBE_CHECK(participant.observe(limits));
  CUBE_TRY(const auto told, participant.told());
  return participant.show(status_here(appliance, journal, told));
}

Status settle_turn(Appliance& appliance) {
  CUBE_TRY(auto* turn, appliance.lock_turn());
  if (turn == nullptr) return ok();
  CUBE_TRY(const auto lock, take_lock(appliance.root()));
  CUBE_TRY(const auto attempt, turn->attempt());
  if (!attempt) return ok();
  CUBE_TRY(const auto journal, appliance.journal().load());
  CUBE_TRY(const auto told, turn->told());
  CUBE_TRY(const auto left, turn->settle(fleet::ending_of(journal, *attempt)));
  if (!left.empty() && left != told) log(Level::notice, left);
  return ok();
}

Result<int> fleet_log(const Common& common, const FleetActOptions& options) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  CUBE_TRY(auto* cluster, cluster_of(*appliance));
  CUBE_TRY(const auto entries, cluster->acts(who(cluster->member())).log(options.entries));
  Json::Array list;
  for (const auto& one : entries) {
    if (!common.json)
      fmt::print("{}  {}: {} ({})\n", format_utc(one.at), printable(one.act), printable(one.reason),
                 printable(one.by));
    list.push_back(Json::Object{
        {"at", format_utc(one.at)}, {"act", one.act}, {"reason", one.reason}, {"by", one.by}});
  }
  if (common.json)
    fmt::print("{}\n", Json(Json::Object{{"event", "result"}, {"entries", list}}).line());
  return exit_done;
}

Result<int> fleet_act(const Common& common, const std::string& act,
                      const FleetActOptions& options) {
  if (options.reason.empty())
    return Error{Errc::invalid, "fleet " + act + ": --reason: say why, for the cluster's log"};
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  CUBE_TRY(auto* turn, appliance->lock_turn());
  if (turn != nullptr) return act_on_lock(*appliance, *turn, act, options, common.json);
  CUBE_TRY(auto* cluster, cluster_of(*appliance));
  CUBE_CHECK(act_on(cluster->acts(who(cluster->member())), act, options));
  tell_act(cluster->member().cluster, act, common.json);
  return exit_done;
}

}  // namespace cube::cli
