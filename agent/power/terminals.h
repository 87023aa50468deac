// The terminals of those who are logged in, and what can be written there.
#pragma once

#include <set>
#include <string>

#include "agent/power/sessions.h"
#include "base/root_dir.h"

namespace cube {

// Names below dev, such as "pts/3", of sessions that utmp (run/utmp below `root`) lists and whose
// process lives, and, on the running system, of those that logind knows. At most 256.
[[nodiscard]] std::set<std::string> terminals_in_use(const RootDir& root);

// One message for a terminal of `devices`, which is dev. Nothing but a terminal is written to, and
// one that takes no bytes just now is not waited for. Errors: failed.
Status write_to_terminal(const RootDir& devices, const std::string& name, const std::string& text);

class LocalSessions final : public Sessions {
 public:
  // `minutes`: between the warning and the restart; 0: nobody is told. `root` outlives it.
  LocalSessions(const RootDir& root, Seconds minutes) : root_(root), minutes_(minutes) {}
  // An update that an operator starts at once gives no time: all but that operator are told.
  [[nodiscard]] Seconds warn(const Update& update) override;

 private:
  const RootDir& root_;
  Seconds minutes_;
};

}  // namespace cube
