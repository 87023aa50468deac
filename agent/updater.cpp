#include "agent/updater.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/mutation.h"
#include "insight/locks/lock_policy.h"
#include "model/turns.h"

namespace cube {
namespace {

// More turns than any update has; a loop that does not come to rest is a bug, not a hang.
constexpr int max_turns = 200;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

bool on_trial(const Phase& phase) {
  return std::holds_alternative<Arming>(phase) || std::holds_alternative<Armed>(phase) ||
         std::holds_alternative<Trying>(phase) || std::holds_alternative<Committing>(phase);
}

bool prepares(const Phase& phase) {
  return std::holds_alternative<Fetching>(phase) || std::holds_alternative<Fetched>(phase) ||
         std::holds_alternative<Filling>(phase) || std::holds_alternative<Staged>(phase);
}

// The update that still needs what was downloaded ahead.
const Update* needing_download(const Phase& phase) {
  return prepares(phase) && !std::holds_alternative<Staged>(phase) ? update_of(phase) : nullptr;
}

// What waivers let through, as the history tells it.
std::vector<std::string> waived_lines(const insight::Findings& findings) {
  std::vector<std::string> lines;
  for (const auto& finding : findings) {
    if (finding.waiver.empty()) continue;
    auto line = cut_detail(finding.id() + " " + finding.waiver);
    if (std::find(lines.begin(), lines.end(), line) == lines.end())
      lines.push_back(std::move(line));
  }
  if (lines.size() <= max_waived) return lines;
  const auto more = lines.size() - (max_waived - 1);
  lines.resize(max_waived - 1);
  lines.push_back("and " + std::to_string(more) + " more");
  return lines;
}

}  // namespace

Result<World> Updater::look(const Journal& journal, const Run& run) {
  World world;
  world.wish = run.wish;
  // After a failure nothing new begins in this run.
  if (!report_.failure) world.candidate = run.candidate;
  world.may_reboot = run.may_reboot && !run.progress.cancelled();
  CUBE_TRY(world.booted, machine_.slots.booted());
  CUBE_TRY(const auto facts, machine_.running.facts());
  world.trial_boot = facts.trial_boot;
  world.boot_id = facts.boot_id;
  world.started_by = facts.started_by;
  world.runs_hooks = run.runs_hooks;
  if (auto boot = machine_.boot.state())
    world.boot = *boot;
  else if (boot.error().code != Errc::cannot_arm)
    return std::move(boot).error();
  else
    world.boot_error = boot.error().what;
  CUBE_TRY(world.target_seal, machine_.slots.seal_of(other(world.booted)));
  world.now = machine_.clock.now();
  world.uptime = machine_.clock.uptime();
  if (const Update* update = update_of(journal.phase);
      update != nullptr && on_trial(journal.phase) && update->target != world.booted) {
    CUBE_TRY(world.evidence, machine_.post_mortem.look());
    // A panic's own words tell more than that somebody had to end it.
    if (world.evidence.cause == Cause::none && !mutated("watchdog-evidence-ignored"))
      world.evidence = machine_.watchdog.evidence(update->attempt);
    world.power_was_lost =
        !mutated("power-loss-ignored") && machine_.watchdog.power_was_lost(update->attempt);
  }
  const auto* staged = std::get_if<Staged>(&journal.phase);
  if (staged != nullptr && staged->update.start != Start::at_once) {
    // What cannot be told holds back, too; a rollback must go on all the same.
    const bool begins = run.wish == Wish::apply ||
                        (run.wish == Wish::resume && world.may_reboot && staged->update.unattended);
    const auto hold = begins ? machine_.gate.admit(staged->update, world.now)
                             : machine_.gate.holds_back(staged->update, world.now);
    world.hold = hold ? *hold : hold.error().what;
    if (!hold && mutated("unknown-hold-ignored")) world.hold.clear();
  }
  world.waived = waived_;
  world.health = health_;
  world.health_detail = health_detail_;
  world.done = done_;
  look_at_hooks(world, journal);
  world.failure = last_failure_;
  return world;
}

Result<Report> Updater::run(const Run& run) {
  CUBE_TRY(report_.journal, machine_.journal.load());
  if (mutated("source-always-asked") && update_of(report_.journal.phase) != nullptr)
    CUBE_CHECK(fetch(run));
  tidy();
  for (int turn = 0; turn < max_turns; ++turn) {
    CUBE_TRY(const World world, look(report_.journal, run));
    if (turn == 0) settle_watchdog(world);
    const Step step = decide(report_.journal, world);
    if (const auto* rest = std::get_if<step::Rest>(&step)) {
      report_.resting = rest->because;
      return report_;
    }
    if (const auto* fail = std::get_if<step::Fail>(&step)) {
      if (!report_.failure) report_.failure = fail->error;
      return report_;
    }
    const bool stops = prepares(report_.journal.phase) && !last_failure_;
    auto status = stops ? run.progress.go_on() : ok();
    if (status) {
      run.on_step(report_.journal, step);
      status = perform(step, run);
    }
    last_failure_.reset();
    if (!status) {
      const bool stopped = status.error().code == Errc::cancelled;
      if (std::holds_alternative<step::Record>(step) && !stopped) return std::move(status).error();
      last_failure_ = status.error();
      if (!report_.failure) report_.failure = status.error();
    } else if (std::holds_alternative<step::Reboot>(step)) {
      report_.rebooting = true;
      return report_;
    }
  }
  return Error{Errc::bug, "the update did not come to rest in phase " +
                              std::string(name_of(report_.journal.phase))};
}

Status Updater::perform(const Step& step, const Run& run) {
  return std::visit(
      Overloaded{
          [&](const step::Record& s) { return record(s.journal); },
          [&](const step::Fetch&) { return fetch(run); },
          [&](const step::Stage& s) { return stage(s.slot, run); },
          [&](const step::Reject& s) { return reject(s.slot); },
          [&](const step::Unseal& s) { return machine_.slots.unseal(s.slot); },
          [&](const step::Fill& s) { return fill(s.slot, run); },
          [&](const step::Verify& s) { return verify(s.slot, run); },
          [&](const step::LookAhead&) { return look_ahead(run); },
          [&](const step::WriteSeal& s) -> Status {
            if (!verified_) return Error{Errc::bug, "seal: no verified release"};
            return machine_.slots.seal(s.slot, verified_->get(),
                                       update_of(report_.journal.phase)->attempt);
          },
          [&](const step::Arm& s) { return arm(s); },
          [&](const step::Reboot&) { return reboot(); },
          [&](const step::CheckHealth&) { return check_health(run); },
          [&](const step::AskHealth&) { return ask_health(run); },
          [&](const step::PrepareRestart&) { return prepare_restart(run); },
          [&](const step::Migrate& s) { return migrate(s.hook); },
          [&](const step::RunHooks&) { return run_hooks(); },
          [&](const step::FailOnPurpose& s) { return fail_on_purpose(s.how); },
          [&](const step::Bless& s) { return machine_.boot.bless(s.slot); },
          [&](const step::KeepEvidence&) -> Status {
            CUBE_CHECK(machine_.post_mortem.keep(update_of(report_.journal.phase)->attempt));
            done_.evidence_kept = true;
            return ok();
          },
          [](const step::Rest&) { return ok(); },
          [](const step::Fail& s) -> Status { return s.error; },
      },
      step);
}

Status Updater::record(const Journal& journal) {
  CUBE_CHECK(machine_.journal.save(journal));
  // What was done for an earlier update, or before the slot is changed again, does not count.
  const bool changes_slot = std::holds_alternative<Filling>(journal.phase);
  const bool begins = std::holds_alternative<Idle>(report_.journal.phase);
  const bool ends = std::holds_alternative<Idle>(journal.phase) && !begins;
  if (begins) done_ = Done{};
  if (changes_slot) done_.withdrawn = done_.filled = done_.verified = done_.looked_ahead = false;
  const bool needed = needing_download(report_.journal.phase) != nullptr;
  report_.journal = journal;
  if (needed && needing_download(journal.phase) == nullptr) tidy();
  if (!ends) return ok();
  done_.hooks_run = false;  // those of the trial were others
  end_watchdog();
  const auto& last = journal.history.back();
  if (last.outcome != Outcome::rolled_back) return ok();
  if (auto told = machine_.watchdog.tell_rollback(last.number); !told)
    log(Level::warning, "the BMC's event log has no entry of the rollback: " + told.error().what);
  return ok();
}

// What is left over only costs room, so the update does not fail with it.
void Updater::tidy() {
  if (mutated("download-not-dropped")) return;
  const auto status = machine_.source.drop_all_but(needing_download(report_.journal.phase));
  if (!status) log(Level::warning, "download that is no longer needed: " + status.error().what);
}

Status Updater::fetch(const Run& run) {
  const Update& update = *update_of(report_.journal.phase);
  CUBE_TRY(auto release, machine_.source.fetch(update, run.progress));
  if (!(release.get() == update.release))
    return Error{Errc::untrusted,
                 update.release.name.text + ": the source now signs other content under this name"};
  verified_ = std::move(release);
  done_.fetched = true;
  return ok();
}

Status Updater::stage(SlotId target, const Run& run) {
  if (!verified_) return Error{Errc::bug, "download: no verified release"};
  const Update& update = *update_of(report_.journal.phase);
  CUBE_CHECK(machine_.source.keep(update));
  CUBE_CHECK(machine_.slots.stage(target, verified_->get(), machine_.source.objects(update),
                                  run.progress));
  done_.staged = true;
  return ok();
}

Status Updater::reject(SlotId slot) {
  CUBE_CHECK(machine_.boot.reject(slot));
  done_.withdrawn = true;
  return ok();
}

Status Updater::fill(SlotId target, const Run& run) {
  if (!verified_) return Error{Errc::bug, "fill: no verified release"};
  done_.verified = false;
  const Update& update = *update_of(report_.journal.phase);
  CUBE_CHECK(
      machine_.slots.fill(target, verified_->get(), machine_.source.objects(update), run.progress));
  done_.filled = true;
  return ok();
}

Status Updater::verify(SlotId target, const Run& run) {
  const Update& update = *update_of(report_.journal.phase);
  if (update.returning) {
    CUBE_CHECK(machine_.slots.verify_after_use(target, update.release, run.progress));
  } else {
    CUBE_CHECK(verify_filled(target, run));
  }
  done_.verified = true;
  return ok();
}

// What the slot had before was reused by its name: what is damaged is found here, and comes from
// elsewhere when the slot is filled once more.
Status Updater::verify_filled(SlotId target, const Run& run) {
  if (!verified_) return Error{Errc::bug, "verify: no verified release"};
  if (mutated("arm-unverified")) return ok();
  auto status = machine_.slots.verify(target, verified_->get(), run.progress);
  if (status || status.error().code != Errc::corrupt) return status;
  log(Level::warning, "filling once more: " + status.error().what);
  CUBE_CHECK(fill(target, run));
  return machine_.slots.verify(target, verified_->get(), run.progress);
}

Status Updater::look_ahead(const Run& run) {
  const Update& update = *update_of(report_.journal.phase);
  CUBE_TRY(report_.findings,
           machine_.foresight.look_ahead(update.target, update.release, run.progress));
  if (auto kept = machine_.foresight.keep(update.attempt, report_.findings); !kept)
    log(Level::warning, "what was foreseen is not kept: " + kept.error().what);
  // A rule is no forecast: it binds whatever is configured, so that /etc cannot loosen it.
  insight::Findings binding = report_.findings;
  if (machine_.foresight.only_tells())
    std::erase_if(binding, [](const auto& finding) { return !insight::is_lock(finding); });
  if (const auto refusal = insight::refusal_text(binding); !refusal.empty())
    return Error{Errc::refused, update.release.name.text + ": " + refusal};
  if (const auto refusal = insight::refusal_text(report_.findings); !refusal.empty())
    log(Level::warning, "going on all the same, as configured: " + refusal);
  waived_ = waived_lines(report_.findings);
  done_.looked_ahead = true;
  return ok();
}

Status Updater::arm(const step::Arm& arm) {
  CUBE_CHECK(machine_.watchdog.demand());
  // What changed on this machine since the slot was filled. A trial that has run may have changed
  // its own.
  const Update& update = *update_of(report_.journal.phase);
  const bool goes_along = update.returning ? update.carry_etc : !mutated("state-not-taken-again");
  if (goes_along && update.armings <= 1)
    CUBE_CHECK(machine_.slots.carry_over(arm.slot, update.release));
  CUBE_CHECK(machine_.post_mortem.set_aside());
  return machine_.boot.arm(arm.slot, arm.tries);
}

Status Updater::reboot() {
  const Phase& phase = report_.journal.phase;
  if (std::holds_alternative<Armed>(phase) && !mutated("watchdog-not-armed")) {
    CUBE_CHECK(machine_.watchdog.start(update_of(phase)->attempt));
  } else if (auto held = machine_.watchdog.hold(0); !held) {
    log(Level::warning, "the restart goes without a watchdog: " + held.error().what);
  }
  auto status = machine_.rebooter.reboot();
  if (!status) end_watchdog();
  return status;
}

// What ends it need not wait for the trial's deadline.
Status Updater::fail_on_purpose(Rehearsal how) {
  if (auto held = machine_.watchdog.hold(watchdog_margin); !held)
    log(Level::warning, "watchdog: " + held.error().what);
  return machine_.failure.make(how);
}

// A trial has until its deadline; any other boot is the end of the timer.
void Updater::settle_watchdog(const World& world) {
  const Phase& phase = report_.journal.phase;
  const Update* update = update_of(phase);
  const bool trying =
      update != nullptr && on_trial(phase) && world.trial_boot && world.booted == update->target;
  const Seconds left = trying ? std::max<Seconds>(0, update->deadline - world.uptime) : 0;
  const auto status =
      trying ? machine_.watchdog.hold(left + watchdog_margin) : machine_.watchdog.stop();
  if (!status)
    log(Level::error, "the watchdog may reset this machine, for it cannot be told not to: " +
                          status.error().what);
  else if (update == nullptr)
    end_watchdog();  // a cut came between the journal and this
}

// Its note stays while it may still run, so that the next run tries again.
void Updater::end_watchdog() {
  auto status = machine_.watchdog.stop();
  if (status) status = machine_.watchdog.forget();
  if (!status) log(Level::error, "watchdog: " + status.error().what);
}

}  // namespace cube
