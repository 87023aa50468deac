// What a machine does before it lets the next one go: undrain.d, then cluster-health.d.
#pragma once

#include <chrono>

#include "agent/fleet/participant.h"
#include "base/result.h"
#include "base/root_dir.h"

namespace cube::fleet {

// `timeout` of each hook; all of a folder together have 600 s. Repeatable. Errors: refused (a hook
// says no, and why), failed.
Status back_to_work(const RootDir& root, std::chrono::seconds timeout, const Member& member);

}  // namespace cube::fleet
