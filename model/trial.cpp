#include "base/mutation.h"
#include "model/turns.h"

namespace cube {
namespace {

using step::Rest;

bool denies(Cause cause) {
  return cause != Cause::never_started && cause != Cause::arm_failed && cause != Cause::held;
}

// The failure that was to be rehearsed was made, as far as its end tells. Whoever could not make it,
// or died of something else before, has shown nothing.
bool came_to_it(Rehearsal rehearsal, Cause cause) {
  if (rehearsal == Rehearsal::sick) return cause == Cause::health;
  return cause == Cause::panic || cause == Cause::watchdog || cause == Cause::overdue ||
         cause == Cause::tries_exhausted;
}

// The one rule for a trial that is over: the fallback runs, nothing is offered. `started`: the
// loader started it since it was last armed. Where it did not, however long that took, the release
// is not to blame: a loader that drops the offer, a firmware that forgets it, somebody who chose by
// hand.
Step fell_back(const Journal& journal, const World& world, const Update& update,
               bool started = true) {
  if (!world.boot->trial)
    return begin_rolling_back(journal, world, update, Cause::never_started,
                              "the boot loader's records lost the trial");
  if (world.evidence.cause != Cause::none && !mutated("evidence-ignored"))
    return begin_rolling_back(journal, world, update, world.evidence.cause, world.evidence.detail);
  const bool overdue = (started || mutated("overdue-without-start")) && update.left > 0 &&
                       world.now - update.left > 2 * update.deadline;
  if (overdue && !world.power_was_lost)
    return begin_rolling_back(journal, world, update, Cause::overdue,
                              "the machine came back " + std::to_string(world.now - update.left) +
                                  " s after it left for the trial");
  const bool tries_left = world.boot->trial->tries_left > 0 && update.armings < update.tries;
  if (tries_left && !mutated("power-cut-loses-release")) return arm_again(journal, world, update);
  const Cause cause =
      world.boot->trial->tries_done == 0 ? Cause::never_started : Cause::tries_exhausted;
  return begin_rolling_back(
      journal, world, update, cause,
      "the trial ended " + std::to_string(world.boot->trial->tries_done) + " times without a word");
}

// The loader has taken the offer back since it was last armed, or at least no longer makes it.
bool began(const World& world, const Update& update) {
  return world.boot->trial && world.boot->trial->tries_done > update.tries_seen;
}

Step lost_records(const Journal& journal, const World& world, const Update& update) {
  return begin_rolling_back(journal, world, update, Cause::arm_failed,
                            "the boot loader's records cannot be read");
}

// How the running trial was started, where that was not by firmware and loader: "kexec", "a soft
// reboot"; otherwise "". The loader counts each start, so another boot without a count is none of
// its own.
std::string started_past_loader(const World& world, const Update& update) {
  if (auto how = not_by_firmware(world); !how.empty()) return how;
  if (mutated("uncounted-start-believed")) return "";
  const bool other_boot = !update.tried_in.empty() && update.tried_in != world.boot_id;
  return other_boot && world.boot && !began(world, update) ? "kexec" : "";
}

// Such a start says nothing of how the machine starts its release. The next one may be the
// loader's, or the fallback's, which offers the trial again.
std::optional<Step> not_tried(const World& world, const std::string& how) {
  const bool goes_on = world.wish == Wish::commit || world.wish == Wish::resume;
  if (how.empty() || !goes_on) return std::nullopt;
  if (world.may_reboot) return step::Reboot{};
  return Rest{"on trial, but started by " + how + "; reboot to try it"};
}

Step by_hand() {
  return Rest{"the slot on trial was started by hand, not as a trial; reboot to try it"};
}

// A trial that fails on purpose. Whatever comes of it, it is given up.
Step rehearse(const Journal& journal, const World& world, const Update& update) {
  const std::string what(to_string(update.rehearsal));
  if (world.failure)
    return begin_rolling_back(journal, world, update, Cause::breadcrumb,
                              "rehearsal: no " + what + " could be made: " + world.failure->what);
  if (world.health != Health::unknown)
    return begin_rolling_back(journal, world, update, Cause::health,
                              world.health == Health::passed
                                  ? "rehearsal: taken for sick; all checks passed"
                                  : "rehearsal: taken for sick, and it is: " + world.health_detail);
  if (world.uptime > update.deadline)
    return begin_rolling_back(journal, world, update, Cause::deadline,
                              "rehearsal: nobody asked for its health in time");
  if (auto step = not_tried(world, started_past_loader(world, update))) return *std::move(step);
  const bool goes_on = world.wish == Wish::commit || world.wish == Wish::resume;
  if (goes_on && update.rehearsal != Rehearsal::sick) return step::FailOnPurpose{update.rehearsal};
  if (world.wish == Wish::commit) return step::CheckHealth{};
  return Rest{"on trial, to be taken for sick; waiting for the health gate"};
}

// The target runs that was armed. `armed_in`: the boot that did it, where that is known.
Step begin_trying(const Journal& journal, const World& world, const Update& update,
                  const std::string& armed_in) {
  if (!world.trial_boot || world.boot_id == armed_in) return by_hand();
  const bool uncounted =
      world.boot && !began(world, update) && !mutated("uncounted-start-believed");
  if (auto step = not_tried(world, uncounted ? "kexec" : "")) return *std::move(step);
  Update begun = counted(update, world);
  begun.tried_in = world.boot_id;
  return record(journal, Trying{std::move(begun)});
}

}  // namespace

Step turn(const Journal& journal, const World& world, const Arming& phase) {
  const Update& update = phase.update;
  if (running(world, update)) return begin_trying(journal, world, update, "");
  if (!world.boot) return lost_records(journal, world, update);
  if (world.boot->fallback == update.target)  // somebody made it so meanwhile
    return abandon(journal, world, update, Cause::superseded);
  const bool offered =
      world.boot->offered && world.boot->trial && world.boot->trial->slot == update.target;
  if (offered) return record(journal, Armed{update, world.boot_id});
  if (began(world, update)) return fell_back(journal, world, update);
  if (world.failure)
    return begin_rolling_back(journal, world, update, Cause::arm_failed, world.failure->what);
  const int tries = world.boot->trial && world.boot->trial->slot == update.target
                        ? world.boot->trial->tries_left
                        : update.tries;
  return step::Arm{update.target, tries};
}

Step turn(const Journal& journal, const World& world, const Armed& phase) {
  const Update& update = phase.update;
  if (running(world, update)) return begin_trying(journal, world, update, phase.boot_id);
  if (!world.boot) return lost_records(journal, world, update);
  const bool same_boot = world.boot_id == phase.boot_id;
  if (!world.boot->offered) {
    if (!same_boot || began(world, update))
      return fell_back(journal, world, update, began(world, update));
    return arm_again(journal, world, update);  // somebody took the offer back in this very boot
  }
  if (world.wish == Wish::rollback)
    return begin_rolling_back(journal, world, update, Cause::rollback_asked,
                              "asked before the trial");
  const bool go =
      world.may_reboot &&
      (world.wish == Wish::apply || (world.wish == Wish::resume && update.unattended && same_boot));
  if (!go)
    return Rest{same_boot ? "armed; the next boot tries the release"
                          : "armed, but the boot loader did not start the trial; reboot to try"};
  if (update.left == 0 || !same_boot) {
    Armed leaving{update, world.boot_id};
    leaving.update.left = world.now;
    return record(journal, std::move(leaving));
  }
  return step::Reboot{};
}

Step turn(const Journal& journal, const World& world, const Trying& phase) {
  const Update& update = phase.update;
  if (!running(world, update)) {
    if (!world.boot) return lost_records(journal, world, update);
    if (world.boot->offered) return record(journal, Armed{update, world.boot_id});
    return fell_back(journal, world, update);
  }
  if (world.wish == Wish::rollback)
    return begin_rolling_back(journal, world, update, Cause::rollback_asked,
                              "asked during the trial");
  if (update.rehearsal != Rehearsal::none && !mutated("rehearsal-committed"))
    return rehearse(journal, world, update);
  if (!world.migration_failure.empty() && !mutated("migration-failure-ignored"))
    return begin_rolling_back(journal, world, update, Cause::migration, world.migration_failure);
  if (world.health == Health::failed)
    return begin_rolling_back(journal, world, update, Cause::health, world.health_detail);
  if (world.health == Health::passed || mutated("commit-without-health"))
    return record(journal, Committing{update});
  if (world.uptime > update.deadline && !mutated("deadline-ignored"))
    return begin_rolling_back(
        journal, world, update, Cause::deadline,
        "not committed " + std::to_string(update.deadline) + " s after the start");
  if (auto step = not_tried(world, started_past_loader(world, update))) return *std::move(step);
  const bool goes_on = world.wish == Wish::commit || world.wish == Wish::resume;
  if (goes_on && !update.returning && !world.next_migration.empty()) {
    if (world.done.migrated != world.next_migration) return step::Migrate{world.next_migration};
    Update migrated = update;
    migrated.migrated = world.next_migration;
    return record(journal, Trying{std::move(migrated)});
  }
  if (world.wish == Wish::commit) return step::CheckHealth{};
  return Rest{"on trial; waiting for the health gate"};
}

Step turn(const Journal& journal, const World& world, const Committing& phase) {
  const Update& update = phase.update;
  const bool blessed = world.boot && world.boot->fallback == update.target && !world.boot->trial;
  if (blessed) return finish(journal, world, update, Outcome::committed, {});
  if (running(world, update)) {
    // Health must have passed in this boot and be known to this process; a bless that a power cut
    // ended half-way is only completed.
    const bool begun = world.boot && world.boot->fallback == update.target;
    if (begun || world.health == Health::passed || mutated("commit-without-health"))
      return step::Bless{update.target};
    return world.trial_boot ? record(journal, Trying{counted(update, world)}) : by_hand();
  }
  if (!world.boot) return lost_records(journal, world, update);
  return fell_back(journal, world, update);
}

Step turn(const Journal& journal, const World& world, const RollingBack& phase) {
  const Update& update = phase.update;
  if (world.boot && world.boot->fallback == update.target)  // somebody made it so meanwhile
    return abandon(journal, world, update, Cause::superseded);
  const bool visible = world.boot && world.boot->trial;
  if (running(world, update)) {
    if (!world.boot) return fail_bad_records(world);
    if (visible && !mutated("rollback-keeps-trial")) return step::Reject{update.target};
    if (world.runs_hooks && !world.done.hooks_run) return step::RunHooks{};
    if (world.may_reboot) return step::Reboot{};
    return Rest{"rolled back; the next boot is the old release"};
  }
  if (!world.done.evidence_kept) return step::KeepEvidence{};
  if (visible && !mutated("rollback-keeps-trial")) return step::Reject{update.target};
  const bool rehearsed = update.rehearsal != Rehearsal::none && !mutated("rehearsal-denies");
  if (!denies(phase.why.cause) || (rehearsed && !came_to_it(update.rehearsal, phase.why.cause)))
    return finish(journal, world, update, Outcome::abandoned, phase.why);
  return finish(journal, world, update, rehearsed ? Outcome::rehearsed : Outcome::rolled_back,
                phase.why);
}

}  // namespace cube
