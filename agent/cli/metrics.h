// The agent's facts for Prometheus, in its text format (version 0.0.4) as the textfile collector of
// node_exporter reads it. docs/operations.md lists the names; they are stable.
#pragma once

#include <optional>
#include <string>

#include "agent/fleet/cluster_view.h"
#include "base/clock.h"
#include "model/boot_state.h"
#include "model/journal.h"

namespace cube::cli {

struct ClusterMetricFacts {
  std::string name;
  std::optional<fleet::ClusterView> view;  // none: its store did not answer in time
  std::uint32_t max_unavailable = 1;       // that count
};

struct PlanMetricFacts {
  std::uint64_t serial = 0;
  UnixSeconds expires = 0;
};

struct MetricFacts {
  std::string version;  // of the program
  SlotId booted{};
  std::string release;            // that runs; "" when its slot has no seal
  std::string loader;             // Appliance::loader()
  std::optional<BootState> boot;  // none: the loader's records cannot be read
  Journal journal;
  Floor floor;                // that counts
  UnixSeconds last_look = 0;  // of `automatic`, for a release; 0: never
  UnixSeconds now = 0;
  std::optional<ClusterMetricFacts> cluster;  // none: this machine is of none
  std::optional<PlanMetricFacts> plan;        // none: none is heeded, or none was believed
};

// Whole lines, each metric with HELP and TYPE, each once. What is not known is left out, never told
// as 0.
[[nodiscard]] std::string metrics_text(const MetricFacts& facts);

}  // namespace cube::cli
