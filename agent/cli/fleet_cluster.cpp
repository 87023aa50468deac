// cube-update fleet status, pause, resume, ...: this machine's cluster, for its operators.
#include "agent/cli/fleet_cluster.h"

#include <fmt/format.h>
#include <unistd.h>

#include "agent/cli/announce.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/render.h"
#include "agent/fleet/cluster_view.h"
#include "agent/fleet/ending.h"
#include "agent/lock.h"
#include "base/json.h"
#include "base/log.h"

namespace cube::cli {
namespace {

Result<fleet::ClusterPart*> cluster_of(Appliance& appliance) {
  CUBE_TRY(auto* cluster, appliance.cluster());
  if (cluster == nullptr)
    return Error{Errc::invalid,
                 "this machine is of no cluster; set fleet.cluster and fleet.endpoints in "
                 "/etc/cube-update/config.d"};
  return cluster;
}

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

Json json_of(const fleet::Notice& notice) {
  return Json::Object{{"reason", notice.reason}, {"by", notice.by}, {"at", format_utc(notice.at)}};
}

void tell_json(const std::string& cluster, const fleet::ClusterView& view) {
  Json::Array holders, failures, blocked, nodes, unreadable;
  for (const auto& one : view.gate.holders)
    holders.push_back(Json::Object{{"node", one.node},
                                   {"rollout", one.rollout},
                                   {"domain", one.domain},
                                   {"since", format_utc(one.since)}});
  for (const auto& one : view.gate.failures)
    failures.push_back(Json::Object{{"node", one.node},
                                    {"rollout", one.rollout},
                                    {"release", one.release},
                                    {"why", one.why},
                                    {"stage", one.stage},
                                    {"hardware", one.hardware}});
  for (const auto& [release, why] : view.gate.blocked)
    blocked.push_back(Json::Object{{"release", release}, {"why", why}});
  for (const auto& key : view.gate.unreadable) unreadable.emplace_back(key);
  for (const auto& one : view.nodes)
    nodes.push_back(Json::Object{{"node", one.node},
                                 {"release", one.status.release},
                                 {"phase", one.status.phase},
                                 {"target", one.status.target},
                                 {"says", one.status.says},
                                 {"domain", one.domain},
                                 {"at", format_utc(one.at)}});
  Json::Object object{{"event", "result"},        {"cluster", cluster},
                      {"holders", holders},       {"failures", failures},
                      {"blocked", blocked},       {"nodes", nodes},
                      {"unreadable", unreadable}, {"waiting", std::uint64_t{view.waiting}}};
  if (view.gate.halt) object["halt"] = json_of(*view.gate.halt);
  if (view.gate.pause) object["pause"] = json_of(*view.gate.pause);
  if (view.gate.plan) object["plan_serial"] = view.gate.plan->serial;
  fmt::print("{}\n", Json(std::move(object)).line());
}

void tell(const std::string& cluster, const fleet::ClusterView& view) {
  const auto& gate = view.gate;
  std::string text = fmt::format("cluster   {}, {} machines\n", cluster, view.nodes.size());
  if (gate.halt)
    text += fmt::format("HALTED    {} ({}, {})\n", gate.halt->reason, gate.halt->by,
                        format_utc(gate.halt->at));
  if (gate.pause)
    text += fmt::format("paused    {} ({}, {})\n", gate.pause->reason, gate.pause->by,
                        format_utc(gate.pause->at));
  for (const auto& key : gate.unreadable) text += fmt::format("UNKNOWN   {}: nobody begins\n", key);
  if (gate.plan) text += fmt::format("plan      serial {}\n", gate.plan->serial);
  for (const auto& one : gate.holders)
    text += fmt::format("away      {} ({}) since {}, rollout {}\n", one.node,
                        one.domain.empty() ? "unknown domain" : one.domain, format_utc(one.since),
                        one.rollout);
  if (view.waiting > 0) text += fmt::format("waiting   {}\n", view.waiting);
  for (const auto& one : gate.failures)
    text += fmt::format("failed    {} in rollout {}: {}\n", one.node, one.rollout, one.why);
  for (const auto& [release, why] : gate.blocked)
    text += fmt::format("blocked   {}: {}\n", release, why);
  for (const auto& one : view.nodes)
    text += fmt::format("{:<16} {:<10} {:<11} {} {}\n", one.node, printable(one.domain),
                        printable(one.status.phase), printable(one.status.release),
                        printable(one.status.says));
  fmt::print("{}", text);
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

Result<int> fleet_status(const Common& common) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  CUBE_TRY(auto* cluster, cluster_of(*appliance));
  CUBE_TRY(const auto view, fleet::look_at(cluster->store(), cluster->member().cluster));
  if (common.json)
    tell_json(cluster->member().cluster, view);
  else
    tell(cluster->member().cluster, view);
  return view.gate.halt || !view.gate.unreadable.empty() ? exit_refused : exit_done;
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
