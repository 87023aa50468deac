#include "agent/fleet/participant.h"

#include <algorithm>

#include "base/digest.h"
#include "base/log.h"
#include "base/mutation.h"
#include "model/fleet/gate_entries.h"

namespace cube::fleet {
namespace {

constexpr Seconds pause_when_stopped = 900;  // until somebody may have settled it
constexpr int max_tries = 5;                 // to take a place, as others take one at the same time

}  // namespace

std::string Participant::key(const std::string& below) const {
  return "/cube-update/v1/" + member_.cluster + "/" + below;
}
std::string Participant::gate_key(const std::string& below) const {
  return key("gate/" + below);
}

// gate/ and gate-queue/ are read together: all that begins with "gate".
Participant::View Participant::view_of(Reading reading) const {
  View view;
  const auto prefix = gate_key(""), queue = key("gate-queue/");
  for (const auto& entry : reading.entries) {
    if (entry.key.starts_with(queue))
      view.queue.push_back(entry);
    else if (entry.key.starts_with(prefix))
      take_gate_entry(view.facts, entry.key.substr(prefix.size()), entry.value, entry.created);
  }
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

Result<std::map<std::string, std::string>> Participant::blocked() const {
  CUBE_TRY(auto memory, ports_.memory.load());
  return std::move(memory.blocked);
}

Result<std::map<std::string, std::string>> Participant::blocked_now() const {
  CUBE_TRY(auto reading, ports_.store.read(gate_key("blocked/")));
  return std::move(view_of(std::move(reading)).facts.blocked);
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
    memory.watched.clear();  // the same revision means another holding now
    memory.queued.clear();
    memory.shown.clear();
    if (memory.holds_place()) memory.place->lost = true;
  }
  // Time in another boot cannot be compared: the wait begins anew.
  const bool waits_anew = memory.wary && memory.wary->boot_id != boot_id_;
  if (waits_anew) memory.wary = now();
  const bool same = memory.store == reading.cluster && memory.revision == reading.revision;
  if (!replaced && !waits_anew && same) return ok();
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
                  key("gate")};
  CUBE_TRY(auto outcome, ports_.store.commit(put));
  view = view_of(std::move(outcome.reading));
  if (const auto* mine = holder_of(view.facts, member_.node);
      mine != nullptr && mine->nonce == place.nonce)
    memory.place->created = mine->created;
  memory.place->lost = false;
  return ports_.memory.save(memory);
}

// A place that was asked for, whose answer was lost, and that nobody wants any more.
Status Participant::drop_stray(const FleetMemory& memory, const View& view) {
  const auto* holder = holder_of(view.facts, member_.node);
  if (holder == nullptr || !holder->nonce.starts_with(memory.self + "-")) return ok();
  if (memory.place && memory.place->nonce == holder->nonce) return ok();
  const auto name = gate_key(holder_name(member_.node));
  CUBE_CHECK(ports_.store.commit({{{Condition::Kind::created_at, name, holder->created}},
                                  {{Change::Kind::erase, name, ""}},
                                  ""}));
  return ok();
}

Status Participant::note_blocked(FleetMemory& memory, const GateFacts& facts) {
  if (memory.blocked == facts.blocked) return ok();
  memory.blocked = facts.blocked;
  return ports_.memory.save(memory);
}

Result<Participant::View> Participant::look(FleetMemory& memory) {
  CUBE_TRY(auto reading, ports_.store.read(key("gate")));
  CUBE_CHECK(note(memory, reading));
  auto view = view_of(std::move(reading));
  CUBE_CHECK(note_blocked(memory, view.facts));
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
  if (memory.ask_again && memory.ask_again->boot_id == boot_id_ &&
      ports_.clock.uptime() < memory.ask_again->uptime && !memory.told.empty())
    return memory.told;
  CUBE_TRY(auto view, look(memory));
  if (!view.facts.holders.empty()) CUBE_CHECK(watch_others(memory, view, turn.limits));
  Candidate me{member_.node,     turn.rollout, turn.release, member_.domain, member_.roles,
               member_.hardware, "",           turn.canary,  turn.plan};
  if (memory.place && memory.place->attempt != turn.attempt)
    return std::string("the place of an earlier update is not given back yet");
  if (memory.holds_place()) {
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
  if (memory.wary) {  // until the next loss; a restart does not bring it back
    memory.wary.reset();
    CUBE_CHECK(ports_.memory.save(memory));
  }
  if (!memory.place)
    memory.place = Place{turn.attempt, turn.rollout, turn.release,
                         memory.self + "-" + std::to_string(++memory.holdings),
                         turn.canary || member_.order == canary_order};
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

Transaction Participant::taking(const FleetMemory& memory, const View& view,
                                const Turn& turn) const {
  const auto name = gate_key(holder_name(member_.node));
  const Holder holder{member_.node,  turn.rollout,        member_.domain,
                      member_.roles, memory.place->nonce, ports_.clock.now()};
  Transaction take{{{Condition::Kind::untouched_since, gate_key(""), view.reading.revision}},
                   {{Change::Kind::put, name, render(holder)}},
                   key("gate")};
  if (mutated("gate-create-if-absent")) take.conditions = {{Condition::Kind::created_at, name, 0}};
  if (!memory.queued.empty())
    take.changes.push_back({Change::Kind::erase, ticket_key(memory.queued), ""});
  // The gate follows the newest plan, in the same step.
  if (turn.plan.serial != 0 && (!view.facts.plan || view.facts.plan->serial < turn.plan.serial))
    take.changes.push_back({Change::Kind::put, gate_key(plan_name), render(turn.plan)});
  return take;
}

Result<std::string> Participant::take(FleetMemory& memory, View view, Candidate me,
                                      const Turn& turn) {
  if (!view.facts.halt && !view.facts.pause) {
    CUBE_TRY(me.finished, finished(view.facts, turn.rollout));
  }
  for (int tried = 0; tried < max_tries; ++tried) {
    const auto verdict = decide_gate(view.facts, me, turn.limits);
    if (verdict.answer == Answer::mine) return taken(memory, view, turn);
    if (verdict.answer == Answer::refused) {
      if (verdict.word == "failures")
        CUBE_CHECK(halt_if_needed(view.facts, turn.rollout, turn.limits));
      CUBE_CHECK(tell(memory, verdict.why));
      if (verdict.word == "busy" || verdict.word == "domain" || verdict.word == "quorum")
        CUBE_CHECK(wait_in_line(memory, view, turn));
      else
        CUBE_CHECK(ask_again_in(memory, pause_when_stopped));
      return verdict.why;
    }
    CUBE_TRY(const auto before, goes_after_whom(view, me, turn));
    if (!before.empty()) {
      CUBE_CHECK(tell(memory, before));
      CUBE_CHECK(wait_in_line(memory, view, turn));
      return before;
    }
    // Known as one's own before it is asked for.
    if (!memory.place->unsure) {
      memory.place->unsure = true;
      if (!mutated("gate-nonce-not-kept")) CUBE_CHECK(ports_.memory.save(memory));
    }
    CUBE_TRY(auto outcome, ports_.store.commit(taking(memory, view, turn)));
    view = view_of(std::move(outcome.reading));
    if (outcome.done) return taken(memory, view, turn);
  }
  return std::string("others take places at the same time; asked again soon");
}

Result<std::string> Participant::taken(FleetMemory& memory, const View& view, const Turn& turn) {
  const auto* mine = holder_of(view.facts, member_.node);
  if (mine == nullptr || mine->nonce != memory.place->nonce)
    return Error{Errc::corrupt, "the store says that a place was taken, and does not show it"};
  memory.place->created = mine->created;
  memory.revision = view.reading.revision;
  memory.queued.clear();
  memory.ask_again.reset();
  memory.told.clear();
  CUBE_CHECK(ports_.memory.save(memory));
  const auto broken = broken_rule(view.facts, turn.limits);
  if (broken.empty()) return std::string();
  log(Level::error, "a rule of the gate is broken: " + broken);
  CUBE_CHECK(halt("a rule of the gate is broken: " + broken));
  CUBE_CHECK(give_back(memory, {}));
  return "a rule of the gate is broken: " + broken;
}

}  // namespace cube::fleet
