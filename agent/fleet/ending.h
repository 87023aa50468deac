// What became of the update that a place at the gate is for, as the journal tells it. Pure.
#pragma once

#include "agent/fleet/participant.h"
#include "model/journal.h"

namespace cube::fleet {

// One that the journal does not know any more was dropped.
[[nodiscard]] Ending ending_of(const Journal& journal, std::uint64_t attempt);

}  // namespace cube::fleet
