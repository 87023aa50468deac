#include "model/fleet/forecast_cluster.h"

#include <algorithm>

#include "base/mutation.h"

namespace cube::fleet {
namespace {

constexpr Seconds asks_every = 300;  // of an agent that waits: cube-update-automatic.timer

bool same_facts(const NodeFacts& left, const NodeFacts& right) {
  return left.running == right.running && left.running_since == right.running_since &&
         left.denied == right.denied && left.failed == right.failed;
}

// Of all reasons that hold a machine in a rollout, the one to be told: what ends only by somebody's
// act before what time ends.
const Reason* worst_of(const std::vector<Reason>& of_plan, const std::vector<Reason>& of_rollout) {
  const Reason* found = nullptr;
  for (const auto* reasons : {&of_plan, &of_rollout})
    for (const auto& reason : *reasons)
      if (found == nullptr ||
          (reason.holds == Holds::until_changed && found->holds != Holds::until_changed))
        found = &reason;
  return found;
}

bool has_nothing_to_do(const std::vector<Reason>& reasons) {
  return std::any_of(reasons.begin(), reasons.end(),
                     [](const Reason& each) { return each.holds == Holds::nothing_to_do; });
}

}  // namespace

ClusterForecast::ClusterForecast(const Plan& plan, const PlanWindows& windows,
                                 const ForecastSetup& setup, const InventoryCluster& cluster,
                                 std::size_t place, Forecast& forecast)
    : plan_(plan),
      windows_(windows),
      setup_(setup),
      cluster_(cluster),
      place_(place),
      forecast_(forecast),
      succeeded_(plan.rollouts.size()) {
  for (const auto& node : cluster.nodes) {
    Machine machine;
    machine.node = &node;
    machine.facts.unit = cluster.id;
    machine.facts.labels = cluster.labels;
    machine.facts.running = node.running;
    if (const auto name = ReleaseName::parse(node.running))
      machine.facts.not_before = built_at(*name);
    machine.facts.restart_takes = cluster.trial_deadline;
    machines_.push_back(std::move(machine));
  }
}

void ClusterForecast::run() {
  for (std::size_t place = 0; place < machines_.size(); ++place) wake(place, setup_.from);
  while (!events_.empty()) {
    const auto event = events_.top();
    events_.pop();
    if (event.machine == machines_.size())
      move_line(event.at);
    else
      step(event.machine, event.at);
  }
  std::set<std::pair<std::size_t, std::string>> seen;
  for (auto& machine : machines_) count_left(machine, seen);
}

const Judgement& ClusterForecast::judged(const Machine& machine, UnixSeconds at) {
  if (judged_at_ != at || !same_facts(judged_of_, machine.facts)) {
    judgement_ = judge(plan_, windows_, machine.facts, at);
    judged_of_ = machine.facts;
    judged_at_ = at;
  }
  return judgement_;
}

bool ClusterForecast::fails(const Machine& machine, const Rollout& rollout) const {
  const auto who = cluster_.id + "/" + machine.node->name + "/" + rollout.id;
  return bucket_of(std::to_string(setup_.seed), who) < setup_.failures;
}

void ClusterForecast::wake(std::size_t place, UnixSeconds at) {
  if (at < setup_.until) events_.push({at, place});
}

// When the next of all reasons ends. One that tells no time ends by the machine's own doing.
void ClusterForecast::wake_later(std::size_t place, const Judgement& judgement, UnixSeconds at) {
  std::optional<UnixSeconds> next;
  const auto consider = [&](std::optional<UnixSeconds> time) {
    if (time && *time > at && (!next || *time < *next)) next = time;
  };
  consider(machines_[place].facts.not_before);
  for (const auto& reason : judgement.reasons) consider(reason.until);
  for (const auto& rollout : judgement.rollouts)
    for (const auto& reason : rollout.reasons) consider(reason.until);
  if (next) wake(place, *next);
}

void ClusterForecast::step(std::size_t place, UnixSeconds at) {
  switch (machines_[place].stage) {
    case Stage::idle:
      return begin(place, at);
    case Stage::staged:
      if (!ask(place, at).empty() && !machines_[place].turned_away) {
        machines_[place].in_line = true;
        line_.push_back(place);
      }
      return;
    case Stage::away:
      return come_back(place, at);
  }
}

void ClusterForecast::begin(std::size_t place, UnixSeconds at) {
  auto& machine = machines_[place];
  const auto& judgement = judged(machine, at);
  if (!judgement.chosen) return wake_later(place, judgement, at);
  machine.stage = Stage::staged;
  machine.canary = judgement.rollouts[*judgement.chosen].canary;
  machine.passage = forecast_.passages.size();
  forecast_.passages.push_back({place_, *judgement.chosen, at});
  wake(place, at + setup_.install_time);
}

Candidate ClusterForecast::candidate_of(const Machine& machine) {
  const auto rollout = passage_of(machine).rollout;
  Candidate candidate;
  candidate.node = machine.node->name;
  candidate.rollout = plan_.rollouts[rollout].id;
  candidate.release = plan_.rollouts[rollout].release;
  candidate.domain = machine.node->domain;
  candidate.roles = machine.node->roles;
  candidate.hardware = machine.node->hardware;
  candidate.nonce = machine.node->name;
  candidate.canary = machine.canary;
  candidate.finished = succeeded_[rollout];
  return candidate;
}

std::string ClusterForecast::ask(std::size_t place, UnixSeconds at) {
  auto& machine = machines_[place];
  const auto rollout = passage_of(machine).rollout;
  const auto& judgement = judged(machine, at);
  if (!judgement.reasons.empty() || !judgement.rollouts[rollout].reasons.empty()) {
    wake_later(place, judgement, at);
    return "";
  }
  if (cluster_.gate && !mutated("forecast-own-turn")) {
    auto verdict = decide_gate(gate_, candidate_of(machine), plan_.rollouts[rollout].limits);
    if (verdict.answer == Answer::refused) {
      auto word = verdict.word;
      if (word == "failures") halt_if_needed(machine, at);
      const bool ends_by_itself = word == "busy" || word == "domain" || word == "quorum";
      if (!ends_by_itself) machine.turned_away = std::move(verdict);
      return word;
    }
  }
  leave(place, at);
  return "";
}

void ClusterForecast::leave(std::size_t place, UnixSeconds at) {
  auto& machine = machines_[place];
  const auto candidate = candidate_of(machine);
  gate_.holders.push_back({candidate.node, candidate.rollout, candidate.domain, candidate.roles,
                           candidate.nonce, at, 1});
  passage_of(machine).begun = at;
  machine.stage = Stage::away;
  wake(place, at + setup_.away_time);
}

void ClusterForecast::come_back(std::size_t place, UnixSeconds at) {
  auto& machine = machines_[place];
  auto& passage = passage_of(machine);
  const auto& rollout = plan_.rollouts[passage.rollout];
  passage.ended = at;
  passage.failed = fails(machine, rollout);
  std::erase_if(gate_.holders,
                [&](const Holder& holder) { return holder.node == machine.node->name; });
  machine.stage = Stage::idle;
  if (passage.failed) {
    note_failure(machine, rollout, at);
  } else {
    ++succeeded_[passage.rollout];
    machine.facts.running = rollout.release;
    machine.facts.running_since = at;
    machine.facts.not_before = built_at(find_release(plan_, rollout.release)->name);
  }
  wake(place, at);
  if (!line_.empty()) wake(machines_.size(), at + asks_every);
}

void ClusterForecast::note_failure(Machine& machine, const Rollout& rollout, UnixSeconds at) {
  machine.facts.denied.push_back(rollout.release);  // as whatever is rolled back
  ++machine.facts.failed[rollout.release];
  if (!cluster_.gate) return;
  gate_.failures.push_back({rollout.id, machine.node->name, rollout.release, "rolled back", "",
                            machine.node->hardware, machine.canary});
  halt_if_needed(machine, at);
}

void ClusterForecast::halt_if_needed(const Machine& machine, UnixSeconds at) {
  const auto place = passage_of(machine).rollout;
  const auto& rollout = plan_.rollouts[place];
  const auto why = reason_to_halt(gate_, rollout.id, rollout.limits, succeeded_[place]);
  if (why.empty() || gate_.halt || mutated("forecast-never-halts")) return;
  gate_.halt = Notice{why, machine.node->name, at};
  forecast_.halted.push_back({place_, place, at, why});
}

// Those that are refused go on waiting, in the order in which they came. Who is like one that was
// refused a moment ago need not ask.
void ClusterForecast::move_line(UnixSeconds at) {
  std::vector<std::size_t> waiting;
  std::set<std::tuple<std::size_t, std::string, std::set<std::string>>> refused;
  std::set<std::size_t> full;  // rollouts
  for (const auto place : line_) {
    auto& machine = machines_[place];
    const auto rollout = passage_of(machine).rollout;
    const auto kind = std::make_tuple(rollout, machine.node->domain, machine.node->roles);
    const bool alike = full.count(rollout) != 0 || refused.count(kind) != 0;
    const auto word = alike ? "as before" : ask(place, at);
    machine.in_line = !word.empty() && !machine.turned_away;
    if (!machine.in_line) continue;
    waiting.push_back(place);
    if (word == "busy") full.insert(rollout);
    refused.insert(kind);
  }
  line_ = std::move(waiting);
}

std::pair<std::string, LeftBehind> ClusterForecast::why_left(const Machine& machine,
                                                             std::size_t rollout,
                                                             const Judgement& judgement) const {
  const auto left = [&](std::string_view word, std::string sentence, bool for_good) {
    return std::pair(std::string(word), LeftBehind{std::move(sentence), cluster_.id, for_good});
  };
  const bool under_way = machine.stage != Stage::idle && passage_of(machine).rollout == rollout;
  if (under_way && machine.turned_away)
    return left(machine.turned_away->word, machine.turned_away->why, true);
  const auto* reason = worst_of(judgement.reasons, judgement.rollouts[rollout].reasons);
  if (reason != nullptr && reason->holds == Holds::until_changed)
    return left(reason->word, told(*reason), true);
  if (gate_.halt) return left("halted", "halted: " + gate_.halt->reason, true);
  if (reason != nullptr) return left(reason->word, told(*reason), false);
  if (under_way && machine.in_line)
    return left("in-line", "waits for its turn in the cluster", false);
  return left("time", "the forecast ends before its restart", false);
}

void ClusterForecast::count_left(const Machine& machine,
                                 std::set<std::pair<std::size_t, std::string>>& seen) {
  const auto& judgement = judged(machine, setup_.until);
  for (std::size_t rollout = 0; rollout < plan_.rollouts.size(); ++rollout) {
    const bool away = machine.stage == Stage::away && passage_of(machine).rollout == rollout;
    const bool failed = machine.facts.failed.count(plan_.rollouts[rollout].release) != 0;
    if (away || failed || has_nothing_to_do(judgement.rollouts[rollout].reasons)) continue;
    auto [word, why] = why_left(machine, rollout, judgement);
    auto& group = forecast_.left.try_emplace({rollout, word}, std::move(why)).first->second;
    ++group.machines;
    if (seen.insert({rollout, word}).second) ++group.clusters;
  }
}

}  // namespace cube::fleet
