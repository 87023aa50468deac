#include "agent/cli/metrics_page.h"

#include <fmt/format.h>

#include "base/mutation.h"

namespace cube::cli {
namespace {

// The format's escapes of a label's value; other bytes stay as they are.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if ((c == '\\' || c == '"') && !mutated("metrics-not-escaped")) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

void MetricsPage::metric(std::string_view name, std::string_view type, std::string_view help) {
  name_ = "cube_update_" + std::string(name);
  text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name_, help, type);
}

void MetricsPage::sample(const MetricLabels& labels, std::int64_t value) {
  std::string inside;
  for (const auto& [label, content] : labels)
    inside += fmt::format("{}{}=\"{}\"", inside.empty() ? "" : ",", label, escaped(content));
  text_ += inside.empty() ? fmt::format("{} {}\n", name_, value)
                          : fmt::format("{}{{{}}} {}\n", name_, inside, value);
}

void MetricsPage::gauge(std::string_view name, std::string_view help, std::int64_t value,
                        const MetricLabels& labels) {
  metric(name, "gauge", help);
  sample(labels, value);
}

}  // namespace cube::cli
