#include "model/decide.h"

#include <utility>

#include "model/policy.h"
#include "model/turns.h"

namespace cube {
namespace {

using step::Rest;

// Idle, but the machine does not run the fallback: a trial the journal lost, or a slot by hand.
Step astray(const World& world) {
  if (world.wish == Wish::commit) {
    if (const auto how = not_by_firmware(world); !how.empty())
      return fail(Errc::refused, "the running system was started by " + how +
                                     ", so nobody knows whether the machine can start it; "
                                     "reboot, and run `cube-update commit` then");
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
  if (journal.hooks_due != 0 && world.runs_hooks) {
    if (!world.done.hooks_run) return step::RunHooks{};
    Journal done = journal;
    done.hooks_due = 0;
    return record(std::move(done), Idle{});
  }
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

// In these phases a failed step ends the update; in all others it ends the run, and the phase stays
// until the next one. So does what was stopped, or may go better later: what is there is kept.
bool ends_update(const Error& failure, const Phase& phase) {
  if (std::holds_alternative<Arming>(phase)) return true;
  // A failure that cannot be made is the end of its rehearsal.
  if (const auto* trying = std::get_if<Trying>(&phase);
      trying != nullptr && trying->update.rehearsal != Rehearsal::none)
    return true;
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
