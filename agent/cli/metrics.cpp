// The command that writes the facts for Prometheus.
#include "agent/cli/metrics.h"

#include <fmt/format.h>

#include <chrono>

#include "agent/appliance.h"
#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/last_look.h"
#include "agent/cli/whole_file.h"
#include "agent/fleet/plan_source.h"
#include "base/mutation.h"

namespace cube::cli {
namespace {

// The store's facts, for which the others wait no longer than that.
constexpr std::chrono::seconds longest_wait{5};

std::optional<fleet::ClusterView> look_briefly(fleet::ClusterPart& cluster) {
  const auto end = std::chrono::steady_clock::now() + longest_wait;
  if (!mutated("metrics-wait-for-store"))
    cluster.store().gateway().limit(longest_wait,
                                    [end] { return std::chrono::steady_clock::now() >= end; });
  auto view = fleet::look_at(cluster.store(), cluster.member().cluster);
  if (!view) return std::nullopt;
  return std::move(*view);
}

// What is wrong with the cluster or the plan keeps none of the other facts from being told.
void add_fleet_facts(Appliance& appliance, MetricFacts& facts) {
  const auto& config = appliance.config().config;
  fleet::Limits limits;
  if (config.fleet_plan) {
    if (const auto force = fleet::PlanSource(appliance.root()).kept()) {
      facts.plan = {force->plan.serial, force->plan.expires};
      limits = strictest_limits(force->plan);
    }
  }
  if (config.fleet_cluster.empty()) return;
  facts.cluster.emplace();
  facts.cluster->name = config.fleet_cluster;
  if (const auto cluster = appliance.cluster()) facts.cluster->view = look_briefly(**cluster);
  if (facts.cluster->view)
    facts.cluster->max_unavailable = limits_here(facts.cluster->view->gate, limits).max_unavailable;
}

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
  facts.now = appliance.clock().now();
  add_fleet_facts(appliance, facts);
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
