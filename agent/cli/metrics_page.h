// Prometheus's text format, line by line. For metrics_text() alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/cli/metrics.h"

namespace cube::cli {

using MetricLabels = std::vector<std::pair<std::string_view, std::string>>;

class MetricsPage {
 public:
  // Begins a metric, "cube_update_" and the name; its samples follow.
  void metric(std::string_view name, std::string_view type, std::string_view help);
  void sample(const MetricLabels& labels, std::int64_t value);
  // A metric with one sample.
  void gauge(std::string_view name, std::string_view help, std::int64_t value,
             const MetricLabels& labels = {});
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string name_, text_;
};

// This machine's cluster and its rollout plan, as far as it is of one and heeds one.
void add_fleet(MetricsPage& page, const MetricFacts& facts);

}  // namespace cube::cli
