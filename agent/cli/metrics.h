// The agent's facts for Prometheus, in its text format (version 0.0.4) as the textfile collector of
// node_exporter reads it. docs/operations.md lists the names; they are stable.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "model/boot_state.h"
#include "model/journal.h"

namespace cube::cli {

struct MetricFacts {
  std::string version;  // of the program
  SlotId booted{};
  std::string release;            // that runs; "" when its slot has no seal
  std::string loader;             // Appliance::loader()
  std::optional<BootState> boot;  // none: the loader's records cannot be read
  Journal journal;
  Floor floor;                // that counts
  UnixSeconds last_look = 0;  // of `automatic`, for a release; 0: never
};

// Whole lines, each metric with HELP and TYPE, each once. What is not known is left out, never told
// as 0.
[[nodiscard]] std::string metrics_text(const MetricFacts& facts);

}  // namespace cube::cli
