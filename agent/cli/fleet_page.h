// One page about a cluster, for a browser: complete in itself, without scripts, and it may load
// nothing (its Content-Security-Policy says so, too). Everything that comes from the cluster's
// store is text of anybody: it is cut, made printable and escaped, and there is a bound on how many
// of each are shown. Light and dark, from 360 pixels of width on, and on paper.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/fleet/cluster_view.h"
#include "model/fleet/plan.h"

namespace cube::cli {

struct FleetPage {
  std::string cluster;
  fleet::ClusterView view;
  std::vector<fleet::LogEntry> log;  // the newest last
  std::optional<fleet::Plan> plan;   // that counts on this machine
  std::string no_plan;               // why there is none, where one is heeded; "": none is
  std::string unit;                  // what the plan counts this machine as
  UnixSeconds written = 0;
  std::string writer;   // this machine
  std::string version;  // of the program
};

// How many of each are shown; the rest is counted.
inline constexpr std::size_t max_domains_shown = 64;
inline constexpr std::size_t max_machines_shown = 1024;
inline constexpr std::size_t max_rows_shown = 50;
inline constexpr std::size_t max_log_shown = 20;

// The same text for the same value. A whole document; ends with a newline.
[[nodiscard]] std::string fleet_page(const FleetPage& page);

}  // namespace cube::cli
