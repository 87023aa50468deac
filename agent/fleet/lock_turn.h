// LockTurn: one machine's turns at a FleetLock: takes a place before the restart into a trial, and
// gives it back when the machine is healthy again.
//
// The lock knows no failures, and who gives a place back lets the next machine go. So after a
// rollback the place is kept: the group stands, in as far as it has no other places, until this
// machine has committed a release, or an operator gives the place back (`cube-update fleet
// unlock`). Written to disk before the lock is asked, so that no answer that was lost is forgotten;
// both questions may be asked again. Nothing here is needed to boot, to commit or to roll back. Not
// thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "agent/fleet/fleet_lock.h"
#include "agent/fleet/participant.h"
#include "base/root_dir.h"

namespace cube::fleet {

// A place (slot, as FleetLock calls it) that this machine has, or asked for and may have without
// knowing.
struct LockPlace {
  std::uint64_t attempt = 0;   // the update it is for
  std::string url, group, id;  // of the lock that was asked, whatever the configuration says now
  std::string told;            // what it said last, one line; "": nothing is in the way
  bool taken = false;          // the lock said yes, so the machine may have been drained
  bool back = false;           // after a failure: this machine is back to work

  friend bool operator==(const LockPlace&, const LockPlace&) = default;
};

class LockTurn {
 public:
  using BackToWork = std::function<Status()>;  // as ParticipantPorts::back_to_work

  // Asks nobody. `root` outlives it. Errors: invalid (the configuration).
  static Result<LockTurn> open(const RootDir& root, FleetLockConfig config,
                               BackToWork back_to_work);

  // Why the machine may not restart into the trial of this update now; "": a place is held, as the
  // lock said in this very call. Errors: as FleetLock::pre_reboot, but busy; corrupt, no_space,
  // failed (what is remembered).
  Result<std::string> ask(std::uint64_t attempt);
  // The update that a place is held or asked for; nullopt: none. Errors: corrupt, failed.
  [[nodiscard]] Result<std::optional<std::uint64_t>> attempt() const;
  // Gives the place back once the update has ended well, or before it began, and the machine is
  // back to work. What remains to be waited for, one line; "": nothing. Errors: as ask(); then it
  // is to be called again.
  Result<std::string> settle(const Ending& ending);
  // Gives the place back, whatever became of the update, and whether this machine knows of one or
  // not. Errors: as ask().
  Status give_back();
  // As it was told last. Errors: corrupt, failed.
  [[nodiscard]] Result<std::string> told() const;

  [[nodiscard]] const std::string& id() const { return config_.id; }
  [[nodiscard]] const std::string& group() const { return config_.group; }

 private:
  LockTurn(const RootDir& root, FleetLockConfig config, BackToWork back_to_work)
      : root_(root), config_(std::move(config)), back_to_work_(std::move(back_to_work)) {}
  [[nodiscard]] Result<std::optional<LockPlace>> remembered() const;
  [[nodiscard]] Status remember(const LockPlace& place) const;
  Result<std::string> tell(LockPlace place, std::string what) const;

  const RootDir& root_;
  FleetLockConfig config_;
  BackToWork back_to_work_;
};

}  // namespace cube::fleet
