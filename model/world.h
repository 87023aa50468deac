// World: what the agent sees when it decides: facts that were just read, and what this process has
// itself done and seen succeed. Pure values, no pointers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/boot_state.h"
#include "model/journal.h"
#include "model/seal.h"
#include "model/started_by.h"

namespace cube {

// What somebody wants of this run of the loop.
enum class Wish {
  resume,    // a boot: settle what a reboot left open; nothing new
  fetch,     // download `World::candidate`, and no more
  apply,     // install `World::candidate`
  commit,    // check health now and commit
  rollback,  // give up the trial
};

enum class Health { unknown, passed, failed };

// Signs of how the last trial died. `none` does not mean that it lived.
struct Evidence {
  Cause cause = Cause::none;  // panic, watchdog or breadcrumb
  std::string detail;
};

// What this process did since it started; empty after a restart, so a step that leaves no mark of
// its own is simply done again.
struct Done {
  bool fetched = false;    // the release was verified against signed metadata
  bool staged = false;     // all that a fill needs is in the staging folder, durably
  bool withdrawn = false;  // no record of the loader names the target: reject() succeeded
  bool filled = false;
  bool verified = false;
  bool looked_ahead = false;   // nothing speaks against the release on this machine
  bool evidence_kept = false;  // the post-mortem is in the journal and was erased at its source
  bool health_asked = false;   // before the update: World::failing
  bool let_go = false;         // nothing says no to the restart
  std::string migrated{};      // the migration hook that ended well last
  bool hooks_run = false;      // green or red ones
};

struct World {
  Wish wish = Wish::resume;
  std::optional<Update> candidate;  // with fetch and apply: what to begin, verified and allowed
  bool may_reboot = true;           // this run may reboot the machine
  bool runs_hooks = false;          // this run may run the hooks that come after an update
  SlotId booted{};
  bool trial_boot = false;  // the running kernel was started as a trial (cube.trial=1)
  std::string boot_id;
  StartedBy started_by = StartedBy::unknown;
  std::optional<BootState> boot;    // nullopt: the loader's records cannot be read
  std::string boot_error;           // then: why, and what to do
  std::optional<Seal> target_seal;  // of the slot that is not booted
  UnixSeconds now = 0;
  Seconds uptime = 0;
  Evidence evidence;
  std::string hold;                 // why the trial of a staged update may not begin now; "": it may
  bool power_was_lost = false;      // the last start is known, not guessed, to be its return
  Health health = Health::unknown;  // in this boot
  std::string health_detail;
  std::vector<std::string> waived;   // with done.looked_ahead: Update::waived
  std::vector<std::string> failing;  // with done.health_asked: checks that fail before the update
  std::string refusal;               // what said no to the restart; "": nothing, or not yet asked
  std::string next_migration;        // the migration hook whose turn it is; "": none
  std::string migration_failure;     // why the last one failed; "": none did
  Done done;
  std::optional<Error> failure;  // of the step that was tried last
};

}  // namespace cube
