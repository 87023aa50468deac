#include "model/fleet/eligibility.h"

#include <algorithm>

#include "base/mutation.h"
#include "model/fleet/duration.h"

namespace cube::fleet {
namespace {

constexpr Holds later = Holds::until_later, changed = Holds::until_changed,
                idle = Holds::nothing_to_do;

// One machine and one time, before all rollouts of a plan.
class Judging {
 public:
  Judging(const Plan& plan, const PlanWindows& windows, const NodeFacts& node, UnixSeconds now)
      : plan_(plan), windows_(windows), node_(node), now_(now) {
    if (auto name = ReleaseName::parse(node.running)) running_ = std::move(*name);
  }

  [[nodiscard]] std::vector<Reason> of_the_plan() const {
    std::vector<Reason> reasons;
    add_validity(reasons);
    if (!running_)
      reasons.push_back({"running-unknown", "it is not known which release runs here"});
    const auto* running = find_release(plan_, node_.running);
    if (running != nullptr && !running->dead_end.empty())
      reasons.push_back({"dead-end", node_.running + " is a dead end: " + running->dead_end});
    if (plan_.rollouts.empty())
      reasons.push_back({"no-rollout", "the plan has no rollout", {}, idle});
    add_own_soak(reasons);
    add_windows(reasons);
    return reasons;
  }

  [[nodiscard]] RolloutJudgement of(const Rollout& rollout) const {
    RolloutJudgement judged;
    judged.id = rollout.id;
    judged.release = rollout.release;
    judged.bucket = bucket_of(rollout.salt, node_.unit);
    judged.ppm = ppm_at(rollout.ramp, now_);
    judged.forced = rollout.deadline && now_ >= rollout.ramp.start + *rollout.deadline;
    judged.canary = rollout.canary && has_labels(rollout.canary->labels);
    add_way(judged.reasons, rollout);
    add_bans(judged.reasons, rollout);
    if (judged.canary)
      add_canary_turn(judged, rollout);
    else
      add_turn(judged, rollout);
    return judged;
  }

 private:
  void add_validity(std::vector<Reason>& reasons) const {
    if (plan_.halt && !mutated("plan-halt-ignored"))
      reasons.push_back({"halted", "the plan is halted: " + *plan_.halt});
    const auto time = std::max(now_, node_.not_before);
    if (time >= plan_.expires && !mutated("plan-expired-starts"))
      reasons.push_back({"expired", "the plan expired on " + format_utc(plan_.expires)});
    if (now_ < node_.not_before && !mutated("plan-believes-any-clock"))
      reasons.push_back({"clock",
                         "the clock is wrong: it says " + format_utc(now_) + ", and " +
                             format_utc(node_.not_before) + " is certainly past",
                         {},
                         later});
    if (now_ < plan_.issued)
      reasons.push_back({"not-issued",
                         "the plan is of a later time than the clock says, " + format_utc(now_),
                         plan_.issued, later});
  }

  // The release that runs came by a rollout that wants to see it run for a while.
  void add_own_soak(std::vector<Reason>& reasons) const {
    for (const auto& rollout : plan_.rollouts) {
      if (rollout.release != node_.running || node_.running_since == 0) continue;
      const auto until = node_.running_since + rollout.soak;
      if (now_ < until)
        reasons.push_back({"soak",
                           node_.running + " has to prove itself here for " +
                               format_duration(rollout.soak) + " first",
                           until, later});
    }
  }

  void add_windows(std::vector<Reason>& reasons) const {
    if (windows_.none() || mutated("plan-window-ignored")) return;
    const auto opening = windows_.next(now_);
    const auto fitting = windows_.next(now_, node_.restart_takes);
    const auto add = [&](std::string_view word, std::string sentence,
                         std::optional<UnixSeconds> until) {
      reasons.push_back({word, std::move(sentence), until, until ? later : changed, true});
    };
    if (!opening)
      add("window-never", "no window opens within 400 days", {});
    else if (!fitting)
      add("window-too-short",
          "no window is as long as a restart may take, " + format_duration(node_.restart_takes),
          {});
    else if (opening->begin > now_)
      add("window-closed", "no window is open", fitting->begin);
    else if (fitting->begin > now_)
      add("window-too-short",
          "the window ends on " + format_utc(opening->end) + ", and a restart may take " +
              format_duration(node_.restart_takes),
          fitting->begin);
  }

  [[nodiscard]] bool has_labels(const std::vector<std::string>& labels) const {
    return std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
      return std::find(node_.labels.begin(), node_.labels.end(), label) != node_.labels.end();
    });
  }

  // Whether there is a way from what runs to the release.
  void add_way(std::vector<Reason>& reasons, const Rollout& rollout) const {
    if (!running_) return;
    const auto& target = *find_release(plan_, rollout.release);
    const int age = compare_age(target.name, *running_);
    if (rollout.release == node_.running) {
      reasons.push_back({"runs-already", rollout.release + " runs already", {}, idle});
      return;
    }
    if (age <= 0) {
      reasons.push_back({"not-newer", rollout.release + " is not newer than what runs", {}, idle});
      return;
    }
    if (target.min_from && running_->version < *target.min_from)
      reasons.push_back({"min-from", "it takes version " + target.min_from->text() +
                                         " or newer to go to " + rollout.release});
    for (const auto& other : plan_.releases)
      if (other.barrier && compare_age(*running_, other.name) < 0 &&
          compare_age(other.name, target.name) < 0 && !mutated("barrier-ignored"))
        reasons.push_back({"barrier", "the way goes through " + other.name.text, {}, later});
  }

  // Whatever the time.
  void add_bans(std::vector<Reason>& reasons, const Rollout& rollout) const {
    const auto& name = rollout.release;
    if (const auto* blocked = find_blocked(plan_, name);
        blocked != nullptr && !mutated("blocked-ignored"))
      reasons.push_back({"blocked", name + " is blocked: " + blocked->reason});
    if (plan_.pin && find_release(plan_, name)->name.version > *plan_.pin)
      reasons.push_back({"pinned", "this site takes nothing newer than " + plan_.pin->text()});
    if (std::find(node_.denied.begin(), node_.denied.end(), name) != node_.denied.end())
      reasons.push_back({"denied", name + " is denied on this machine"});
    const auto failed = node_.failed.find(name);
    if (failed != node_.failed.end() && failed->second >= rollout.attempts)
      reasons.push_back({"attempts", name + " failed here " + std::to_string(failed->second) +
                                         " times, and the plan allows " +
                                         std::to_string(rollout.attempts)});
  }

  void add_canary_turn(RolloutJudgement& judged, const Rollout& rollout) const {
    judged.eligible = rollout.ramp.start + rollout.canary->after;
    if (now_ < *judged.eligible)
      judged.reasons.push_back(
          {"not-started", "the rollout has not begun yet", judged.eligible, later});
  }

  void add_turn(RolloutJudgement& judged, const Rollout& rollout) const {
    const auto& ramp = rollout.ramp;
    auto in_ramp = reaches(ramp, judged.bucket);
    auto after_canaries = ramp.start + (rollout.canary ? rollout.canary->after + rollout.soak : 0);
    if (rollout.deadline) {
      const auto forced = ramp.start + *rollout.deadline;
      in_ramp = std::min(in_ramp.value_or(forced), forced);
      after_canaries = std::min(after_canaries, forced);
    }
    if (in_ramp) judged.eligible = std::max(*in_ramp, after_canaries);
    if (mutated("ramp-ignored")) return;
    if (now_ < ramp.start)
      judged.reasons.push_back({"not-started", "the rollout has not begun yet", ramp.start, later});
    if (rollout.canary && now_ < after_canaries)
      judged.reasons.push_back({"canary", "the canaries go first", after_canaries, later});
    if (!in_ramp || now_ < *in_ramp)
      judged.reasons.push_back({"not-in-ramp",
                                "this unit has bucket " + std::to_string(judged.bucket) +
                                    ", and the ramp is at " + std::to_string(judged.ppm) +
                                    " of a million",
                                in_ramp, in_ramp ? later : changed});
  }

  const Plan& plan_;
  const PlanWindows& windows_;
  const NodeFacts& node_;
  UnixSeconds now_;
  std::optional<ReleaseName> running_;
};

bool lets_begin(const std::vector<Reason>& reasons) {
  return std::all_of(reasons.begin(), reasons.end(),
                     [](const Reason& reason) { return reason.restart_only; });
}

// Of a rollout, or of the plan: the worst it has; `later` without any.
Holds worst(const std::vector<Reason>& reasons) {
  const auto any = [&](Holds holds) {
    return std::any_of(reasons.begin(), reasons.end(),
                       [&](const Reason& reason) { return reason.holds == holds; });
  };
  return any(idle) ? idle : any(changed) ? changed : later;
}

}  // namespace

std::string told(const Reason& reason) {
  return reason.sentence + (reason.until ? " (until " + format_utc(*reason.until) + ")" : "");
}

Holds Judgement::outcome() const {
  const bool up_to_date =
      std::all_of(rollouts.begin(), rollouts.end(),
                  [](const RolloutJudgement& each) { return worst(each.reasons) == idle; });
  if (up_to_date) return idle;
  if (!reasons.empty() && (chosen || !lets_begin(reasons))) return worst(reasons);
  const bool waits =
      std::any_of(rollouts.begin(), rollouts.end(),
                  [](const RolloutJudgement& each) { return worst(each.reasons) == later; });
  return waits ? later : changed;
}

std::string Judgement::why_not() const {
  if (may_restart()) return "";
  const auto outcome = this->outcome();
  if (outcome != idle && !reasons.empty() && (chosen || !lets_begin(reasons)))
    return told(reasons.front());
  for (const auto& rollout : rollouts)
    if (!rollout.reasons.empty() && worst(rollout.reasons) == outcome)
      return "rollout " + rollout.id + ": " + told(rollout.reasons.front());
  return reasons.empty() ? "" : told(reasons.front());
}

Judgement judge(const Plan& plan, const PlanWindows& windows, const NodeFacts& node,
                UnixSeconds now) {
  const Judging judging(plan, windows, node, now);
  Judgement judgement;
  judgement.reasons = judging.of_the_plan();
  const bool open = lets_begin(judgement.reasons);
  for (const auto& rollout : plan.rollouts) {
    judgement.rollouts.push_back(judging.of(rollout));
    const auto place = judgement.rollouts.size() - 1;
    if (!open || !judgement.rollouts[place].reasons.empty()) continue;
    const auto name = [&](std::size_t at) -> const ReleaseName& {
      return find_release(plan, plan.rollouts[at].release)->name;
    };
    if (!judgement.chosen || compare_age(name(place), name(*judgement.chosen)) > 0)
      judgement.chosen = place;
  }
  return judgement;
}

}  // namespace cube::fleet
