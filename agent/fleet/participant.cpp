#include "agent/fleet/participant.h"

#include <algorithm>

#include "base/digest.h"
#include "base/log.h"
#include "base/mutation.h"
#include "model/fleet/gate_entries.h"

namespace cube::fleet {
namespace {

constexpr int max_tries = 5;  // to take a place, as others take one at the same time

bool is_held(const std::optional<Place>& place) {
  return place && place->created != 0;
}

const Holder* holder_named(const GateFacts& facts, const std::string& node) {
  const auto found = std::find_if(facts.holders.begin(), facts.holders.end(),
                                  [&](const Holder& holder) { return holder.node == node; });
  return found == facts.holders.end() ? nullptr : &*found;
}

}  // namespace

std::string Participant::key(const std::string& below) const {
  return "/cube-update/v1/" + member_.cluster + "/" + below;
}
std::string Participant::gate_key(const std::string& below) const {
  return key("gate/" + below);
}

Participant::View Participant::view_of(Reading reading) const {
  View view;
  const auto prefix = gate_key("");
  for (const auto& entry : reading.entries)
    take_gate_entry(view.facts, entry.key.substr(std::min(prefix.size(), entry.key.size())),
                    entry.value, entry.created);
  view.reading = std::move(reading);
  return view;
}

Result<std::optional<Place>> Participant::place() const {
  CUBE_TRY(auto memory, ports_.memory.load());
  return std::move(memory.place);
}

Result<std::string> Participant::told() const {
  CUBE_TRY(auto memory, ports_.memory.load());
  return std::move(memory.told);
}

Result<FleetMemory> Participant::remembered() {
  CUBE_TRY(auto memory, ports_.memory.load());
  if (!memory.self.empty()) return memory;
  const std::uint64_t number = ports_.random();
  memory.self = to_hex(&number, sizeof number);
  CUBE_CHECK(ports_.memory.save(memory));
  return memory;
}

// Another store, or an older copy of it: who was away by its word is not known any more.
Status Participant::note(FleetMemory& memory, const Reading& reading) {
  const bool seen_before = memory.store != 0;
  const bool replaced =
      seen_before && (reading.cluster != memory.store || reading.revision < memory.revision);
  if (replaced && !mutated("gate-data-loss-ignored")) {
    log(Level::warning,
        "the data of the cluster's store were replaced; this machine begins nothing "
        "until a place cannot be held any more by whom the store forgot");
    memory.wary = now();
    if (is_held(memory.place)) memory.place->lost = true;
  }
  if (memory.wary && memory.wary->boot_id != boot_id_) memory.wary = now();
  if (!replaced && memory.store == reading.cluster && memory.revision == reading.revision)
    return ok();
  memory.store = reading.cluster;
  memory.revision = reading.revision;
  return ports_.memory.save(memory);
}

// The place of a machine that may be away already is put back before anything else is done.
Status Participant::restore_place(FleetMemory& memory, View& view) {
  if (!memory.place || !memory.place->lost) return ok();
  const Place& place = *memory.place;
  const Holder holder{member_.node,  place.rollout, member_.domain,
                      member_.roles, place.nonce,   ports_.clock.now()};
  const auto name = gate_key(holder_name(member_.node));
  Transaction put{{{Condition::Kind::created_at, name, 0}},
                  {{Change::Kind::put, name, render(holder)}},
                  gate_key("")};
  CUBE_TRY(auto outcome, ports_.store.commit(put));
  view = view_of(std::move(outcome.reading));
  if (const auto* mine = holder_named(view.facts, member_.node);
      mine != nullptr && mine->nonce == place.nonce)
    memory.place->created = mine->created;
  memory.place->lost = false;
  return ports_.memory.save(memory);
}

// A place that was asked for, whose answer was lost, and that nobody wants any more.
Status Participant::drop_stray(const FleetMemory& memory, const View& view) {
  const auto* holder = holder_named(view.facts, member_.node);
  if (holder == nullptr || !holder->nonce.starts_with(memory.self + "-")) return ok();
  if (memory.place && memory.place->nonce == holder->nonce) return ok();
  const auto name = gate_key(holder_name(member_.node));
  CUBE_CHECK(ports_.store.commit({{{Condition::Kind::created_at, name, holder->created}},
                                  {{Change::Kind::erase, name, ""}},
                                  ""}));
  return ok();
}

Result<Participant::View> Participant::look(FleetMemory& memory) {
  CUBE_TRY(auto reading, ports_.store.read(gate_key("")));
  CUBE_CHECK(note(memory, reading));
  auto view = view_of(std::move(reading));
  CUBE_CHECK(restore_place(memory, view));
  CUBE_CHECK(drop_stray(memory, view));
  return view;
}

bool Participant::is_wary(const FleetMemory& memory, const Limits& limits) const {
  return memory.wary && ports_.clock.uptime() < memory.wary->uptime + limits.hold_deadline;
}

Status Participant::tell(FleetMemory& memory, const std::string& what) {
  if (memory.told == what) return ok();
  memory.told = what;
  return ports_.memory.save(memory);
}

// How many succeeded counts only where some failed.
Result<std::uint64_t> Participant::finished(const GateFacts& facts, const std::string& rollout) {
  const bool failed = std::any_of(facts.failures.begin(), facts.failures.end(),
                                  [&](const Failure& one) { return one.rollout == rollout; });
  if (!failed) return std::uint64_t{0};
  CUBE_TRY(const auto results, ports_.store.read(key("hist/" + rollout + "/")));
  return static_cast<std::uint64_t>(results.entries.size());
}

Result<std::string> Participant::ask(const Turn& turn) {
  CUBE_TRY(auto memory, remembered());
  CUBE_TRY(auto view, look(memory));
  Candidate me{member_.node,     turn.rollout, turn.release,   member_.domain, member_.roles,
               member_.hardware, "",           member_.canary, turn.plan};
  if (memory.place && memory.place->attempt != turn.attempt)
    return std::string("the place of an earlier update is not given back yet");
  if (is_held(memory.place)) {
    me.nonce = memory.place->nonce;
    return look_once_more(memory, view, me);
  }
  if (is_wary(memory, turn.limits)) {
    const std::string why =
        "the data of the cluster's store were replaced, and a machine that it "
        "has forgotten may still be away";
    CUBE_CHECK(tell(memory, why));
    return why;
  }
  if (!memory.place) {
    memory.place = Place{turn.attempt,   turn.rollout,
                         turn.release,   memory.self + "-" + std::to_string(++memory.holdings),
                         member_.canary, 0};
    if (!mutated("gate-nonce-not-kept")) CUBE_CHECK(ports_.memory.save(memory));
  }
  me.nonce = memory.place->nonce;
  return take(memory, std::move(view), std::move(me), turn);
}

Result<std::string> Participant::look_once_more(FleetMemory& memory, const View& view,
                                                const Candidate& me) {
  const auto why = must_turn_back(view.facts, me, memory.place->created);
  CUBE_CHECK(tell(memory, why));
  if (why.empty()) return why;
  // What was made ready for the restart takes on work again; settle() gives the place back if this
  // does not.
  if (ports_.back_to_work()) CUBE_CHECK(give_back(memory, {}));
  return why;
}

Result<std::string> Participant::take(FleetMemory& memory, View view, Candidate me,
                                      const Turn& turn) {
  const auto name = gate_key(holder_name(member_.node));
  CUBE_TRY(me.finished, finished(view.facts, turn.rollout));
  for (int tried = 0; tried < max_tries; ++tried) {
    const auto verdict = decide_gate(view.facts, me, turn.limits);
    if (verdict.answer == Answer::mine) return taken(memory, view, turn);
    if (verdict.answer == Answer::refused) {
      if (verdict.word == "failures")
        CUBE_CHECK(halt_if_needed(view.facts, turn.rollout, turn.limits));
      CUBE_CHECK(tell(memory, verdict.why));
      return verdict.why;
    }
    const Holder holder{member_.node,  turn.rollout, member_.domain,
                        member_.roles, me.nonce,     ports_.clock.now()};
    Transaction take{{{Condition::Kind::untouched_since, gate_key(""), view.reading.revision}},
                     {{Change::Kind::put, name, render(holder)}},
                     gate_key("")};
    if (mutated("gate-create-if-absent"))
      take.conditions = {{Condition::Kind::created_at, name, 0}};
    // The gate follows the newest plan, in the same step.
    if (turn.plan.serial != 0 && (!view.facts.plan || view.facts.plan->serial < turn.plan.serial))
      take.changes.push_back({Change::Kind::put, gate_key(plan_name), render(turn.plan)});
    CUBE_TRY(auto outcome, ports_.store.commit(take));
    view = view_of(std::move(outcome.reading));
    if (outcome.done) return taken(memory, view, turn);
  }
  return std::string("others take places at the same time; asked again soon");
}

Result<std::string> Participant::taken(FleetMemory& memory, const View& view, const Turn& turn) {
  const auto* mine = holder_named(view.facts, member_.node);
  if (mine == nullptr || mine->nonce != memory.place->nonce)
    return Error{Errc::corrupt, "the store says that a place was taken, and does not show it"};
  memory.place->created = mine->created;
  memory.revision = view.reading.revision;
  memory.told.clear();
  CUBE_CHECK(ports_.memory.save(memory));
  const auto broken = broken_rule(view.facts, turn.limits);
  if (broken.empty()) return std::string();
  log(Level::error, "a rule of the gate is broken: " + broken);
  CUBE_CHECK(halt("a rule of the gate is broken: " + broken));
  CUBE_CHECK(give_back(memory, {}));
  return "a rule of the gate is broken: " + broken;
}

Status Participant::forget_place(FleetMemory& memory) {
  memory.place.reset();
  memory.told.clear();
  return ports_.memory.save(memory);
}

// `with` is written in the same step. A full store lets the place go all the same.
Status Participant::give_back(FleetMemory& memory, std::vector<Change> with) {
  const auto name = gate_key(holder_name(member_.node));
  const bool only_erases = with.empty();
  Transaction back{
      {{Condition::Kind::created_at, name, memory.place->created}}, std::move(with), ""};
  back.changes.push_back({Change::Kind::erase, name, ""});
  auto outcome = ports_.store.commit(back);
  if (!outcome && outcome.error().code == Errc::no_space && !only_erases)
    outcome = ports_.store.commit({back.conditions, {back.changes.back()}, ""});
  if (!outcome) return std::move(outcome).error();
  if (!outcome->done)
    log(Level::warning, "the place at the cluster's gate was given away meanwhile");
  return forget_place(memory);
}

Result<std::string> Participant::settle(const Ending& ending, const Limits& limits) {
  CUBE_TRY(auto memory, remembered());
  if (!memory.place) return std::string();
  CUBE_TRY(const auto view, look(memory));
  // An answer may have been lost: what the gate says counts.
  const auto* mine = holder_named(view.facts, member_.node);
  if (mine != nullptr && mine->nonce == memory.place->nonce) memory.place->created = mine->created;
  if (ending.fate == Fate::under_way) return std::string();
  if (!is_held(memory.place) && ending.fate != Fate::failed) {
    CUBE_CHECK(forget_place(memory));
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
  CUBE_CHECK(give_back(memory, std::move(result)));
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
  if (is_held(memory.place) && and_give_back) {
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
  if (!is_held(memory.place)) return forget_place(memory);
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

Status Participant::observe(const Limits& limits) {
  CUBE_TRY(auto memory, remembered());
  CUBE_TRY(const auto view, look(memory));
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
  if (watched != memory.watched) {
    memory.watched = std::move(watched);
    CUBE_CHECK(ports_.memory.save(memory));
  }
  return told;
}

}  // namespace cube::fleet
