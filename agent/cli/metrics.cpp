// The command that writes the facts for Prometheus.
#include "agent/cli/metrics.h"

#include <fmt/format.h>

#include "agent/appliance.h"
#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/last_look.h"
#include "agent/cli/whole_file.h"

namespace cube::cli {
namespace {

Result<MetricFacts> gather(Appliance& appliance) {
  MetricFacts facts;
  facts.version = CUBE_VERSION;
  facts.loader = appliance.loader();
  CUBE_TRY(facts.journal, appliance.journal().load());
  CUBE_TRY(facts.booted, appliance.machine().slots.booted());
  CUBE_TRY(facts.release, appliance.running_release());
  if (auto boot = appliance.machine().boot.state()) facts.boot = *boot;
  CUBE_TRY(facts.floor, appliance.floor(facts.journal));
  facts.last_look = last_look_of(appliance.root());
  return facts;
}

}  // namespace

Result<int> metrics(const Common& common, const std::string& file) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  CUBE_TRY(const auto facts, gather(*appliance));
  const std::string text = metrics_text(facts);
  if (file.empty())
    fmt::print("{}", text);
  else
    CUBE_CHECK(write_whole("--file", file, text));
  return exit_done;
}

}  // namespace cube::cli
