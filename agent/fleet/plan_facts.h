// What a rollout plan is judged against on this machine.
#pragma once

#include <string>

#include "agent/config.h"
#include "base/result.h"
#include "base/root_dir.h"
#include "model/fleet/eligibility.h"
#include "model/journal.h"

namespace cube::fleet {

// `running`: name of the running release, "" when unknown. Errors: invalid (nothing tells which
// unit this machine is of: fleet.unit, fleet.cluster, etc/machine-id).
[[nodiscard]] Result<NodeFacts> facts_of_node(const RootDir& root, const Config& config,
                                              const Journal& journal, const std::string& running);

}  // namespace cube::fleet
