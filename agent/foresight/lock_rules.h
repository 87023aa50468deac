// The locks of this machine: which packages must not drift, by whoever released what runs here
// (usr/lib/cube-update/locks.d) and by the site (etc/cube-update/locks.d). All files of both
// folders count together; none replaces another, so the site can only add.
#pragma once

#include <string>
#include <vector>

#include "agent/foresight/local_foresight.h"
#include "base/root_dir.h"
#include "insight/locks/lock_policy.h"

namespace cube {

inline constexpr const char* site_locks_folder = "etc/cube-update/locks.d";
inline constexpr const char* own_locks_file = "etc/cube-update/locks.d/50-operator.toml";

struct LoadedLocks {
  insight::LockPolicy policy;
  insight::Findings damaged;  // files that cannot be read: refusals, for nobody knows their rules
};
[[nodiscard]] LoadedLocks load_locks(const RootDir& machine);

// The examination: what the release in question breaks.
[[nodiscard]] insight::Findings lock_findings(const Prospect& prospect);

}  // namespace cube
