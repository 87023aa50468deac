// Updater: the loop around decide(). Looks at the machine, decides, does that one step, looks
// again, until there is nothing more to do in this run, a step fails for good, or the machine
// restarts. All state is in the journal, the boot loader's records and the slots; an Updater may
// die at any instant and another one goes on (docs/power-cut.md).
//
// The caller holds the lock (agent/lock.h). Not thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/machine.h"
#include "base/progress.h"
#include "keys/verified.h"
#include "model/decide.h"

namespace cube {

struct Run {
  Wish wish = Wish::resume;
  std::optional<Update> candidate;  // with fetch and apply: verified and admissible
  bool may_reboot = true;
  bool runs_hooks = true;           // those that come after an update: green.d, red.d
  // Also asked whether to stop: before each step up to Staged, and by the long ones themselves.
  // From Arming on the run goes to its end, but does not restart the machine.
  ProgressSink progress = [](const Progress&) {};
  // Told before each step but the last, and with the journal as it is then.
  std::function<void(const Journal&, const Step&)> on_step = [](const Journal&, const Step&) {};
};

struct Report {
  Journal journal;                 // as it was saved last
  std::string resting;             // why the run ended without failure
  std::optional<Error> failure;    // of the first step that failed
  std::optional<Verdict> verdict;  // when health was checked
  insight::Findings findings;      // of looking ahead, when that was done
  bool rebooting = false;          // the machine was asked to restart
};

class Updater {
 public:
  explicit Updater(Machine& machine) : machine_(machine) {}

  // Errors: only what keeps the loop from working at all (journal unreadable or not writable, no
  // slot booted, a bug). A failed step is in Report::failure.
  Result<Report> run(const Run& run);

 private:
  Result<World> look(const Journal& journal, const Run& run);
  Status perform(const Step& step, const Run& run);
  Status record(const Journal& journal);
  Status fetch(const Run& run);
  Status stage(SlotId target, const Run& run);
  void tidy();
  Status reject(SlotId slot);
  Status fill(SlotId target, const Run& run);
  Status verify(SlotId target, const Run& run);
  Status verify_filled(SlotId target, const Run& run);
  Status arm(const step::Arm& arm);
  Status reboot();
  Status fail_on_purpose(Rehearsal how);
  Status look_ahead(const Run& run);
  // agent/updater_hooks.cpp
  void look_at_hooks(World& world, const Journal& journal) const;
  Status check_health(const Run& run);
  Status ask_health(const Run& run);
  Status prepare_restart(const Run& run);
  Status migrate(const std::string& hook);
  Status run_hooks();
  [[nodiscard]] Seconds left_of_trial(const Update& update) const;
  // The trial goes on: as long as something is waited for, the watchdog must not end it.
  void hold_watchdog() const;
  void settle_watchdog(const World& world);
  void end_watchdog();

  Machine& machine_;
  Report report_;
  Done done_;
  std::optional<Error> last_failure_;
  std::optional<Verified<Release>> verified_;  // the only way a release reaches a slot
  Health health_ = Health::unknown;
  std::string health_detail_;
  std::vector<std::string> failing_;
  std::string refusal_;
  std::vector<std::string> waived_;  // of the last look ahead
  std::string migration_failure_;
};

}  // namespace cube
