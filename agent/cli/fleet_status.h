// cube-update fleet status: this machine's cluster, once or as it changes, as text, JSON or a page.
#pragma once

#include <string>

#include "agent/cli/commands.h"

namespace cube::cli {

struct FleetStatusOptions {
  std::string html;        // the page's file, "-": standard output; "": no page
  std::int64_t watch = 0;  // seconds between two looks, 1..3600; 0: one look
};

// A watch ends with a signal, or when nobody reads what it says. Errors: invalid (no cluster, the
// configuration); without a watch also those of fleet/cluster_view.h.
Result<int> fleet_status(const Common& common, const FleetStatusOptions& options);

}  // namespace cube::cli
