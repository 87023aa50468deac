#include <utility>

#include "base/mutation.h"
#include "model/turns.h"

namespace cube {
namespace {

using step::Rest;

bool supersedes(const World& world, const Update& update) {
  return wants_release(world) && world.candidate && !(world.candidate->release == update.release);
}

// What ends an update before its trial, whatever its phase.
std::optional<Step> ended(const Journal& journal, const World& world, const Update& update,
                          Cause when_failed) {
  if (world.failure) {
    const bool foreseen = world.failure->code == Errc::refused && when_failed != Cause::held;
    return abandon(journal, world, update, foreseen ? Cause::foreseen : when_failed);
  }
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
  update.start = world.candidate->start;
  update.not_before = world.candidate->not_before;
  return update;
}

bool sealed_by(const World& world, const Update& update) {
  return world.target_seal &&
         world.target_seal->manifest_sha256 == update.release.manifest_sha256 &&
         world.target_seal->commit == update.release.commit &&
         (update.returning || world.target_seal->attempt == update.attempt);
}

bool foreseen_well(const World& world) {
  return world.done.looked_ahead || mutated("not-looked-ahead");
}

// All is there, and the time has come: what is still to be asked before the loader is. Health is
// asked first, as hooks may stop what it looks at.
Step begin_trial(const Journal& journal, const World& world, const Update& update) {
  // Also here: days may have gone since the slot was filled. A return goes where this machine was.
  if (!update.returning && !foreseen_well(world)) return step::LookAhead{};
  if (!world.done.health_asked && !mutated("health-not-asked-before")) return step::AskHealth{};
  const bool restarts = world.may_reboot && update.unattended;
  if (restarts && !world.done.let_go) {
    if (world.refusal.empty()) return step::PrepareRestart{};
    if (Update held = update; held.held != cut_detail(world.refusal)) {
      held.held = cut_detail(world.refusal);
      return record(journal, Staged{std::move(held)});
    }
    return Rest{"installed; held back by " + world.refusal +
                (update.start == Start::at_once
                     ? "; run `cube-update apply` again when that is settled"
                     : "")};
  }
  Update begun = update;
  begun.failed_before = world.failing;
  begun.waived = mutated("waiver-not-in-history") ? std::vector<std::string>{} : world.waived;
  begun.held.clear();
  begun.drained = begun.drained || restarts;
  return arm_again(journal, world, std::move(begun));
}

}  // namespace

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
  if (!foreseen_well(world)) return step::LookAhead{};
  return step::WriteSeal{update.target};
}

Step turn(const Journal& journal, const World& world, const Staged& phase) {
  Update update = phase.update;
  // Of a return nothing waits. Hooks that said yes hear that nothing comes of it.
  const bool refused = !world.refusal.empty();
  update.drained = update.drained || refused;
  if (auto end = ended(journal, world, update, refused ? Cause::held : Cause::fill_failed))
    return *std::move(end);
  // A rehearsal that was interrupted is not gone on with by whoever comes next.
  if (update.rehearsal != Rehearsal::none && world.wish != Wish::apply)
    return abandon(journal, world, update, Cause::rollback_asked);
  const bool waits = update.start != Start::at_once;
  const bool by_itself =
      waits && world.wish == Wish::resume && world.may_reboot && update.unattended;
  if (world.wish != Wish::apply && !by_itself)
    return Rest{waits ? "installed; " + (world.hold.empty() ? "its time has come" : world.hold)
                      : "installed, not armed; run `cube-update apply`"};
  if (Update anew = renewed(update, world); anew != update) return record(journal, Staged{anew});
  if (waits && !world.hold.empty() && !mutated("hold-ignored"))
    return Rest{"installed; " + world.hold};
  if (!world.boot) return fail_bad_records(world);
  if (!sealed_by(world, update) && !mutated("arm-without-seal")) {
    if (!update.returning) return record(journal, Filling{update});
    return abandon(journal, world, update, Cause::fill_failed);
  }
  // A slot that has run since it was sealed is read again.
  if (update.returning && !world.done.verified && !mutated("return-unverified"))
    return step::Verify{update.target};
  return begin_trial(journal, world, update);
}

}  // namespace cube
