// How a machine gives its place back, and what it makes of those that do not.
#include <algorithm>

#include "agent/fleet/participant.h"
#include "base/log.h"
#include "base/mutation.h"
#include "model/fleet/gate_entries.h"

namespace cube::fleet {
namespace {

constexpr Seconds looks_in_deadline = 2;  // of who has a part in a rollout
constexpr Seconds idle_look = 6 * 3600;   // of who has none, and only watches
constexpr Seconds says_pause = 3600;

}  // namespace

Status Participant::forget_place(FleetMemory& memory) {
  memory.place.reset();
  memory.ask_again.reset();
  memory.told.clear();
  return ports_.memory.save(memory);
}

// `with` is written in the same step, or at least, where an operator took the place away. A full
// store lets the place go all the same.
Status Participant::give_back(FleetMemory& memory, const std::vector<Change>& with) {
  const auto name = gate_key(holder_name(member_.node));
  const bool only_erases = with.empty();
  Transaction back{{{Condition::Kind::created_at, name, memory.place->created}}, with, ""};
  back.changes.push_back({Change::Kind::erase, name, ""});
  auto outcome = ports_.store.commit(back);
  if (!outcome && outcome.error().code == Errc::no_space && !only_erases)
    outcome = ports_.store.commit({back.conditions, {back.changes.back()}, ""});
  if (!outcome) return std::move(outcome).error();
  if (!outcome->done) {
    log(Level::warning, "the place at the cluster's gate was given away meanwhile");
    if (!only_erases) CUBE_CHECK(ports_.store.commit({{}, with, ""}));
  }
  return forget_place(memory);
}

Result<std::string> Participant::settle(const Ending& ending, const Limits& limits) {
  CUBE_TRY(auto memory, remembered());
  if (!memory.place) return std::string();
  if (ending.fate == Fate::under_way) return std::string();
  const bool was_asked_for = memory.holds_place() || memory.place->unsure;
  if (ending.fate == Fate::waits && !was_asked_for) return std::string();
  // The place's own condition says enough, where it was seen.
  const bool was_seen = memory.holds_place() && !memory.place->lost;
  if (ending.fate == Fate::succeeded && was_seen) return settle_seen(memory, ending, limits);
  CUBE_TRY(const auto view, look(memory));
  // An answer may have been lost: what the gate says counts.
  const auto* mine = holder_of(view.facts, member_.node);
  if (mine != nullptr && mine->nonce == memory.place->nonce) memory.place->created = mine->created;
  if (!memory.holds_place() && ending.fate != Fate::failed) {
    CUBE_CHECK(ending.fate == Fate::waits ? forget_place(memory) : leave_queue(memory));
    return std::string();
  }
  return settle_seen(memory, ending, limits);
}

Result<std::string> Participant::settle_seen(FleetMemory& memory, const Ending& ending,
                                             const Limits& limits) {
  const Place place = *memory.place;
  const auto healthy = ports_.back_to_work();
  const bool gives_back = healthy || mutated("gate-released-unhealthy");
  if (ending.fate == Fate::failed && !place.reported) {
    CUBE_CHECK(report_failure(memory, ending, gives_back));
    CUBE_TRY(const auto after, look(memory));
    CUBE_CHECK(halt_if_needed(after.facts, place.rollout, limits));
    if (!memory.place) return std::string();
  }
  if (!gives_back) {
    const auto why = "the place is kept until the cluster is healthy: " + healthy.error().what;
    CUBE_CHECK(tell(memory, why));
    return why;
  }
  std::vector<Change> result;
  if (ending.fate == Fate::succeeded)
    result.push_back(
        {Change::Kind::put, key("hist/" + place.rollout + "/" + member_.node), place.release});
  CUBE_CHECK(give_back(memory, result));
  return std::string();
}

// With the place, in one step, if that is to be given back: nobody may take it before the failure
// counts. If it cannot be written, the place stays held, and the rollout stands.
Status Participant::report_failure(FleetMemory& memory, const Ending& ending, bool and_give_back) {
  const Place& place = *memory.place;
  const Failure failure{place.rollout, member_.node,     place.release, ending.why,
                        ending.stage,  member_.hardware, place.canary};
  const Change put{Change::Kind::put, gate_key(failure_name(place.rollout, member_.node)),
                   render(failure)};
  if (memory.holds_place() && and_give_back) {
    const auto name = gate_key(holder_name(member_.node));
    Transaction back{{{Condition::Kind::created_at, name, place.created}},
                     {put, {Change::Kind::erase, name, ""}},
                     ""};
    if (mutated("gate-failure-not-told")) back.changes = {{Change::Kind::erase, name, ""}};
    CUBE_TRY(const auto outcome, ports_.store.commit(back));
    if (outcome.done) return forget_place(memory);
    memory.place->created = 0;  // given away meanwhile; the failure counts all the same
  }
  CUBE_CHECK(ports_.store.commit({{}, {put}, ""}));
  if (!memory.holds_place()) return forget_place(memory);
  memory.place->reported = true;
  return ports_.memory.save(memory);
}

Status Participant::halt(const std::string& reason) {
  const auto name = gate_key(halt_name);
  const Notice notice{reason, member_.node, ports_.clock.now()};
  CUBE_TRY(const auto outcome, ports_.store.commit({{{Condition::Kind::created_at, name, 0}},
                                                    {{Change::Kind::put, name, render(notice)}},
                                                    ""}));
  if (outcome.done) log(Level::warning, "the cluster's rollouts are halted: " + reason);
  return ok();
}

Status Participant::halt_if_needed(const GateFacts& facts, const std::string& rollout,
                                   const Limits& limits) {
  if (facts.halt) return ok();
  CUBE_TRY(const auto succeeded, finished(facts, rollout));
  const auto reason = reason_to_halt(facts, rollout, limits, succeeded);
  return reason.empty() ? ok() : halt(reason);
}

Status Participant::report_overdue(const Holder& holder) {
  const Failure failure{holder.rollout, holder.node, "", "overdue", "", "", false};
  const auto failed = gate_key(failure_name(holder.rollout, holder.node));
  const auto held = gate_key(holder_name(holder.node));
  CUBE_CHECK(ports_.store.commit({{{Condition::Kind::created_at, held, holder.created},
                                   {Condition::Kind::created_at, failed, 0}},
                                  {{Change::Kind::put, failed, render(failure)}},
                                  ""}));
  return halt(holder.node + " took a place and has not come back in time");
}

Status Participant::watch_others(FleetMemory& memory, const View& view, const Limits& limits) {
  std::vector<Watched> watched;
  Status told = ok();
  for (const auto& holder : view.facts.holders) {
    if (holder.node == member_.node) continue;
    Watched one{holder.node, holder.created, now()};
    for (const auto& before : memory.watched)
      if (before.node == one.node && before.created == one.created &&
          before.since.boot_id == boot_id_)
        one = before;
    const bool overdue = ports_.clock.uptime() >= one.since.uptime + limits.hold_deadline;
    if (overdue && !view.facts.halt && told && !mutated("gate-overdue-ignored"))
      told = report_overdue(holder);
    watched.push_back(std::move(one));
  }
  memory.watched = std::move(watched);
  memory.looked = now();
  CUBE_CHECK(ports_.memory.save(memory));
  return told;
}

// What a machine waits for changes often; nobody reads that every few minutes.
bool Participant::is_shown(const FleetMemory& memory, const NodeRecord& record) const {
  auto shown = read_record(member_.node, memory.shown);
  if (!shown) return false;
  const Seconds age = record.at - shown->at;
  shown->at = record.at;
  if (age >= 0 && age < says_pause) shown->status.says = record.status.says;
  return *shown == record;
}

Status Participant::show(const NodeStatus& status) {
  CUBE_TRY(auto memory, remembered());
  NodeRecord record{member_.node,     status,        member_.domain,    member_.roles,
                    member_.hardware, member_.order, ports_.clock.now()};
  if (is_shown(memory, record)) return ok();
  memory.shown = render(record);
  CUBE_CHECK(ports_.store.commit(
      {{}, {{Change::Kind::put, key("node/" + member_.node), memory.shown}}, ""}));
  return ports_.memory.save(memory);
}

Status Participant::observe(const Limits& limits) {
  CUBE_TRY(auto memory, remembered());
  const auto& last = memory.looked;
  const bool takes_part = memory.place || !memory.queued.empty();
  const Seconds pause = takes_part ? limits.hold_deadline / looks_in_deadline
                                   : std::max(idle_look, limits.hold_deadline);
  if (last && last->boot_id == boot_id_ && ports_.clock.uptime() < last->uptime + pause)
    return ok();
  CUBE_TRY(const auto view, look(memory));
  return watch_others(memory, view, limits);
}

}  // namespace cube::fleet
