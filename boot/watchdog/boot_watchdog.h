// BootWatchdog: the port to a timer that outlives a restart, so that a trial that hangs before it
// can do anything for itself is reset all the same. docs/watchdogs.md says which deaths it covers.
//
// One timer, started for one attempt. What it says afterwards belongs to that attempt, because its
// signs of an earlier expiry are cleared before it starts. A machine without such a timer, or whose
// timer does not work, is no failure, unless the policy is `required`.
// Not thread-safe: the updater's loop is the only caller, under the lock.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/result.h"
#include "model/world.h"

namespace cube {

enum class WatchdogPolicy {
  off,         // never talked to
  if_present,  // used where it works
  required,    // no trial without it
};

class BootWatchdog {
 public:
  virtual ~BootWatchdog() = default;

  // Before anything is done for a trial: would start() go well? Starts nothing; a timer that does
  // not run is set for the trial, which clears signs of an earlier expiry. Errors: cannot_arm (only
  // when required).
  [[nodiscard]] virtual Status demand() = 0;

  // Just before the restart into the trial: clears old signs, starts the timer, and reads it back.
  // Repeatable; the timer begins anew. Errors: cannot_arm (only when required).
  virtual Status start(std::uint64_t attempt) = 0;

  // The timer, where it still runs for this update, begins anew with at least `seconds`, and at
  // least what a restart is given; no timer can do more than max_watchdog_seconds. Else nothing.
  // The first call after a start comes from the trial: how long the restart took is learned then.
  // Errors: failed, unreachable, corrupt.
  virtual Status hold(Seconds seconds) = 0;

  // The timer does not run any more; signs of an expiry stay. Somebody else's timer is left alone.
  // Repeatable. Errors: failed, unreachable, corrupt: it may still reset the machine.
  virtual Status stop() = 0;

  // Cause::watchdog if the timer reset the machine in this attempt, with one line of detail. What
  // cannot be read counts as no sign.
  [[nodiscard]] virtual Evidence evidence(std::uint64_t attempt) const = 0;

  // True only when it is known that the machine last started because its power came back, while the
  // timer watched over this attempt: a hang would have been ended by the timer, not by a cut.
  [[nodiscard]] virtual bool power_was_lost(std::uint64_t attempt) const = 0;

  // The update is over, and its evidence is in the journal. Errors: failed.
  virtual Status forget() = 0;

  // Tells those who look at the machine from outside that an update was rolled back. Repeated, it
  // tells it again. Errors: failed, unreachable, corrupt, no_space.
  virtual Status tell_rollback(std::uint64_t attempt) = 0;
};

// 65535 tenths of a second, IPMI 2.0, 27.6.
inline constexpr Seconds max_watchdog_seconds = 6553;
// What a trial gets beyond its deadline, for the restart that the agent then asks for.
inline constexpr Seconds watchdog_margin = 120;

}  // namespace cube
