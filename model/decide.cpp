#include "model/decide.h"

#include <algorithm>
#include <utility>

#include "base/mutation.h"
#include "model/policy.h"

namespace cube {
namespace {

using step::Record;
using step::Rest;

Step record(Journal journal, Phase phase) {
  journal.phase = std::move(phase);
  return Record{std::move(journal)};
}

Step fail(Errc code, std::string what) {
  return step::Fail{Error{code, std::move(what)}};
}

Step fail_bad_records(const World& world) {
  const std::string why = world.boot_error.empty() ? "" : " (" + world.boot_error + ")";
  return fail(Errc::cannot_arm,
              "the boot loader's records cannot be read or disagree, so no update can be armed "
              "safely" + why + "; check them and run `cube-update commit` to write them anew");
}

std::string cut(std::string text) {
  if (text.size() > max_detail) text.resize(max_detail);
  return text;
}

bool denies(Cause cause) {
  return cause != Cause::never_started && cause != Cause::arm_failed;
}

// With the loader's count of the trial, which bless and reject clear.
Update counted(Update update, const World& world) {
  if (world.boot && world.boot->trial && world.boot->trial->slot == update.target)
    update.tries_seen = world.boot->trial->tries_done;
  return update;
}

// Once per release; the oldest go when the list is full.
void deny(Journal& journal, Denied denied) {
  std::erase_if(journal.denied,
                [&](const Denied& earlier) { return earlier.release == denied.release; });
  journal.denied.push_back(std::move(denied));
  if (journal.denied.size() > max_denied) journal.denied.erase(journal.denied.begin());
}

// The journal after an update: idle, one line of history more.
Step finish(Journal journal, const World& world, const Update& update, Outcome outcome, Why why) {
  why.detail = cut(std::move(why.detail));
  if (outcome == Outcome::rolled_back)
    deny(journal, {update.release.name.text, update.release.manifest_sha256,
                   std::string(to_string(why.cause))});
  if (outcome == Outcome::committed && !update.returning) {
    const Floor reached{update.release.epoch, update.release.name.text};
    journal.floor = mutated("floor-sinks") ? reached : higher(journal.floor, reached);
  }
  if (outcome == Outcome::committed && update.returning && !update.from_release.empty())
    deny(journal, {update.from_release, "", std::string(to_string(Cause::rollback_asked))});
  journal.history.push_back({update.attempt, update.release.name.text, update.from_release,
                             update.target, update.started, world.now,
                             counted(update, world).tries_seen, outcome, std::move(why)});
  if (journal.history.size() > max_history) journal.history.erase(journal.history.begin());
  return record(std::move(journal), Idle{});
}

Step abandon(const Journal& journal, const World& world, const Update& update, Cause cause) {
  return finish(journal, world, update, Outcome::abandoned,
                {cause, world.failure ? world.failure->what : ""});
}

Step begin_rolling_back(const Journal& journal, const World& world, const Update& update,
                        Cause cause, std::string detail) {
  return record(journal, RollingBack{counted(update, world), {cause, cut(std::move(detail))}});
}

// Somebody wishes that a release be installed, or at least downloaded.
bool wants_release(const World& world) {
  return world.wish == Wish::apply || world.wish == Wish::fetch;
}

bool supersedes(const World& world, const Update& update) {
  return wants_release(world) && world.candidate && !(world.candidate->release == update.release);
}

// --- The trial, from Arming to Committing -------------------------------------------------------

Step arm_again(const Journal& journal, const World& world, Update update) {
  update.tries_seen = world.boot->trial ? world.boot->trial->tries_done : 0;
  update.armings += 1;
  update.left = 0;
  return record(journal, Arming{std::move(update)});
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

bool running(const World& world, const Update& update) {
  return world.booted == update.target;
}

Step by_hand() {
  return Rest{"the slot on trial was started by hand, not as a trial; reboot to try it"};
}

Step turn(const Journal& journal, const World& world, const Arming& phase) {
  const Update& update = phase.update;
  if (running(world, update))
    return world.trial_boot ? record(journal, Trying{counted(update, world)}) : by_hand();
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
  if (running(world, update))
    return world.trial_boot ? record(journal, Trying{counted(update, world)}) : by_hand();
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
  if (world.health == Health::failed)
    return begin_rolling_back(journal, world, update, Cause::health, world.health_detail);
  if (world.health == Health::passed || mutated("commit-without-health"))
    return record(journal, Committing{update});
  if (world.uptime > update.deadline && !mutated("deadline-ignored"))
    return begin_rolling_back(
        journal, world, update, Cause::deadline,
        "not committed " + std::to_string(update.deadline) + " s after the start");
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
    if (world.may_reboot) return step::Reboot{};
    return Rest{"rolled back; the next boot is the old release"};
  }
  if (!world.done.evidence_kept) return step::KeepEvidence{};
  if (visible && !mutated("rollback-keeps-trial")) return step::Reject{update.target};
  return finish(journal, world, update,
                denies(phase.why.cause) ? Outcome::rolled_back : Outcome::abandoned, phase.why);
}

// --- Before the trial ---------------------------------------------------------------------------

// Idle, but the machine does not run the fallback: a trial the journal lost, or a slot by hand.
Step astray(const World& world) {
  if (world.wish == Wish::commit) {
    if (world.health == Health::unknown) return step::CheckHealth{};
    if (world.health == Health::passed) return step::Bless{world.booted};
    return fail(Errc::refused, "not healthy, so the running slot does not become the fallback: " +
                                   world.health_detail);
  }
  if (!world.boot) return fail_bad_records(world);
  if (world.boot->trial && world.boot->trial->slot == world.booted)
    return step::Reject{world.booted};
  if (world.trial_boot && !wants_release(world) && world.may_reboot) return step::Reboot{};
  if (!wants_release(world))
    return Rest{"the running slot was started by hand and is not the fallback"};
  return fail(
      Errc::cannot_arm,
      "the running slot is not the fallback, so the other one must not be overwritten; "
      "reboot into the fallback, or run `cube-update commit` to make this one the fallback");
}

Step turn(const Journal& journal, const World& world, const Idle&) {
  if (!world.boot && world.wish == Wish::resume)
    return Rest{"idle; the boot loader's records cannot be read"};
  if (!world.boot || world.boot->fallback != world.booted) return astray(world);
  if (world.boot->trial) return step::Reject{world.boot->trial->slot};
  if (!wants_release(world) || !world.candidate) return Rest{""};
  Update update = *world.candidate;
  if (!update.returning && is_denied(journal, update.release))
    return fail(Errc::unsuitable, update.release.name.text +
                                      " was rolled back or denied on this machine; run "
                                      "`cube-update allow` to permit another try");
  Journal next = journal;
  next.attempts += 1;
  update.attempt = next.attempts;
  update.target = other(world.booted);
  update.started = world.now;
  if (update.returning) return record(std::move(next), Staged{std::move(update)});
  return record(std::move(next), Fetching{std::move(update)});
}

// What ends an update before its trial, whatever its phase.
std::optional<Step> ended(const Journal& journal, const World& world, const Update& update,
                          Cause when_failed) {
  if (world.failure) return abandon(journal, world, update, when_failed);
  if (supersedes(world, update)) return abandon(journal, world, update, Cause::superseded);
  if (world.wish == Wish::rollback) return abandon(journal, world, update, Cause::rollback_asked);
  const bool in_use =
      running(world, update) || (world.boot && world.boot->fallback == update.target);
  if (wants_release(world) && in_use) return abandon(journal, world, update, Cause::superseded);
  return std::nullopt;
}

// How a release is taken is what was asked for last: another source, number of tries, who reboots.
Update renewed(Update update, const World& world) {
  if (!world.candidate) return update;
  update.source = world.candidate->source;
  update.tries = world.candidate->tries;
  update.unattended = world.candidate->unattended;
  update.deadline = world.candidate->deadline;
  return update;
}

Step turn(const Journal& journal, const World& world, const Fetching& phase) {
  const Update& update = phase.update;
  if (auto end = ended(journal, world, update, Cause::fetch_failed)) return *std::move(end);
  if (!wants_release(world))
    return Rest{"the download was interrupted; run `cube-update fetch` or `apply` to go on"};
  if (Update anew = renewed(update, world); anew != update) return record(journal, Fetching{anew});
  if (!world.done.fetched) return step::Fetch{};
  if (world.wish == Wish::apply) return record(journal, Filling{update});
  if (!world.done.staged && !mutated("fetched-without-objects")) return step::Stage{update.target};
  return record(journal, Fetched{update});
}

Step turn(const Journal& journal, const World& world, const Fetched& phase) {
  const Update& update = phase.update;
  if (auto end = ended(journal, world, update, Cause::fetch_failed)) return *std::move(end);
  if (world.wish == Wish::apply) {
    // Only a release that was verified in this very process is filled.
    if (!world.done.fetched) return step::Fetch{};
    return record(journal, Filling{renewed(update, world)});
  }
  // What is asked for again is looked through again: somebody may have damaged it.
  if (world.wish == Wish::fetch && !world.done.staged) return record(journal, Fetching{update});
  return Rest{"downloaded; run `cube-update apply` to install it"};
}

bool sealed_by(const World& world, const Update& update) {
  return world.target_seal &&
         world.target_seal->manifest_sha256 == update.release.manifest_sha256 &&
         world.target_seal->commit == update.release.commit &&
         (update.returning || world.target_seal->attempt == update.attempt);
}

Step turn(const Journal& journal, const World& world, const Filling& phase) {
  const Update& update = phase.update;
  const Cause cause = world.done.fetched ? Cause::fill_failed : Cause::fetch_failed;
  if (auto end = ended(journal, world, update, cause)) return *std::move(end);
  if (world.wish != Wish::apply)
    return Rest{"the installation was interrupted; run `cube-update apply` to go on"};
  if (!world.boot) return fail_bad_records(world);
  if (Update anew = renewed(update, world); anew != update) return record(journal, Filling{anew});
  if (world.boot->trial) return step::Reject{update.target};
  if (sealed_by(world, update)) return record(journal, Staged{update});
  if (!world.done.fetched) return step::Fetch{};
  // Also without a trial: after a bless() that was cut short a second record may name the slot.
  if (!world.done.withdrawn && !mutated("filled-while-named")) return step::Reject{update.target};
  if (world.target_seal) return step::Unseal{update.target};
  if (!world.done.filled) return step::Fill{update.target};
  if (!world.done.verified) return step::Verify{update.target};
  return step::WriteSeal{update.target};
}

Step turn(const Journal& journal, const World& world, const Staged& phase) {
  const Update& update = phase.update;
  if (auto end = ended(journal, world, update, Cause::fill_failed)) return *std::move(end);
  if (world.wish != Wish::apply) return Rest{"installed, not armed; run `cube-update apply`"};
  if (!world.boot) return fail_bad_records(world);
  if (!sealed_by(world, update) && !mutated("arm-without-seal")) {
    if (!update.returning) return record(journal, Filling{update});
    return abandon(journal, world, update, Cause::fill_failed);
  }
  // A slot that has run since it was sealed is read again.
  if (update.returning && !world.done.verified && !mutated("return-unverified"))
    return step::Verify{update.target};
  return arm_again(journal, world, renewed(update, world));
}

// In these phases a failed step ends the update; in all others it ends the run, and the phase stays
// until the next one. So does what was stopped, or may go better later: what is there is kept.
bool ends_update(const Error& failure, const Phase& phase) {
  if (std::holds_alternative<Arming>(phase)) return true;
  const bool prepares =
      std::holds_alternative<Fetching>(phase) || std::holds_alternative<Fetched>(phase) ||
      std::holds_alternative<Filling>(phase) || std::holds_alternative<Staged>(phase);
  const bool for_now = failure.code == Errc::cancelled || failure.code == Errc::unreachable;
  return prepares && (!for_now || update_of(phase)->returning);
}

}  // namespace

Step decide(const Journal& journal, const World& world) {
  if (world.failure && !ends_update(*world.failure, journal.phase))
    return step::Fail{*world.failure};
  return std::visit([&](const auto& phase) { return turn(journal, world, phase); }, journal.phase);
}

}  // namespace cube
