// --accept-stale: an operator at a site that cannot get newer metadata takes what has expired.
#pragma once

#include "agent/appliance.h"

namespace cube::cli {

// Before the first use of the source. Errors: refused (not root).
Status accept_stale(Appliance& appliance);
// After it: what was accepted is logged, with the user who asked; one sentence for people, "" when
// nothing had expired.
std::string log_stale(Appliance& appliance);

}  // namespace cube::cli
