// UpdateHooks: the port to what an appliance's own executables do in the course of an update. What
// they do to its verdict is a rule of model/: a migration that fails ends a trial, one before the
// restart holds it back, the others change nothing.
#pragma once

#include <string>

#include "base/result.h"
#include "model/journal.h"

namespace cube {

class UpdateHooks {
 public:
  virtual ~UpdateHooks() = default;

  // migrate.d of the running release: the first after `done`, by name; "": there is none.
  // Errors: failed, corrupt.
  [[nodiscard]] virtual Result<std::string> next_migration(const std::string& done) const = 0;
  // Runs that one, for at most `within` seconds, with the other slot mounted read-only.
  // Errors: refused (it failed: why), failed, corrupt (the other slot cannot be mounted).
  virtual Status migrate(const std::string& name, const Update& update, Seconds within) = 0;

  // pre-reboot.d: whether the machine may restart into the trial. All are run; the first that fails
  // is heard. Errors: refused (which says no, and why).
  virtual Status before_restart(const Update& update) = 0;

  // green.d after a commit, red.d after anything else. `on_trial`: the trial that failed still
  // runs. Errors: refused (which failed); nobody needs to care.
  virtual Status after(const Attempt& attempt, bool on_trial) = 0;
};

}  // namespace cube
