// A method call as it came: what it asks for.
#pragma once

#include "agent/bus/bus.h"
#include "agent/bus/job.h"
#include "base/fd.h"

namespace cube::bus {

struct Asked {
  Job job;
  Fd folder;  // that was handed over; or none
};

// Reads the arguments of a call of `method`. A folder that is handed over must be one, and open to
// be read: that a caller could open it is what permits its use. Errors: invalid.
[[nodiscard]] Result<Asked> read_call(sd_bus_message* call, Method method);

}  // namespace cube::bus
