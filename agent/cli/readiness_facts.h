// The facts that judge_readiness() wants, gathered on this machine. Changes nothing.
#pragma once

#include "agent/appliance.h"
#include "agent/cli/commands.h"
#include "agent/readiness/readiness.h"

namespace cube::cli {

// Errors: those of a machine whose slots cannot be told apart.
[[nodiscard]] Result<ReadinessFacts> readiness_facts(Appliance& appliance,
                                                     const DoctorOptions& options,
                                                     const ProgressSink& progress);

}  // namespace cube::cli
