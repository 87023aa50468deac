// The metrics of a cluster. Every machine of it writes the same, with the cluster's name.
#include <algorithm>
#include <map>
#include <set>

#include "agent/cli/metrics_page.h"
#include "agent/fleet/node_state.h"

namespace cube::cli {
namespace {

using Cluster = ClusterMetricFacts;

constexpr std::size_t max_rollouts_told = 16;

std::int64_t number(std::size_t count) {
  return static_cast<std::int64_t>(count);
}

void add_nodes(MetricsPage& page, const Cluster& cluster) {
  const auto states = states_of(*cluster.view);
  page.metric("fleet_nodes", "gauge", "Machines of the cluster by what becomes of them.");
  for (const auto state : fleet::node_states)
    page.sample({{"cluster", cluster.name}, {"state", std::string(to_string(state))}},
                std::count_if(states.begin(), states.end(),
                              [state](const auto& one) { return one.state == state; }));
  std::set<std::string> releases;
  for (const auto& one : cluster.view->nodes)
    if (!one.status.release.empty()) releases.insert(one.status.release);
  page.gauge("fleet_releases", "How many different releases the machines of the cluster run.",
             number(releases.size()), {{"cluster", cluster.name}});
}

void add_places(MetricsPage& page, const Cluster& cluster, UnixSeconds now) {
  const auto& holders = cluster.view->gate.holders;
  const MetricLabels labels{{"cluster", cluster.name}};
  page.gauge("fleet_places_held", "Machines that are away for an update.", number(holders.size()),
             labels);
  page.gauge("fleet_places_max", "How many may be away at once, by the strictest limit.",
             cluster.max_unavailable, labels);
  if (holders.empty()) return;
  const auto oldest =
      std::min_element(holders.begin(), holders.end(),
                       [](const auto& a, const auto& b) { return a.since < b.since; });
  page.gauge("fleet_oldest_place_seconds",
             "How long the machine that is away longest has been so: this machine's clock less "
             "that machine's when it left.",
             std::max<Seconds>(now - oldest->since, 0), labels);
}

// Of the rollouts with the most failures. Their names come from anybody.
void add_failures(MetricsPage& page, const Cluster& cluster) {
  std::map<std::string, std::size_t> count;
  for (const auto& one : cluster.view->gate.failures) ++count[one.rollout];
  if (count.empty()) return;
  std::vector<std::pair<std::string, std::size_t>> list(count.begin(), count.end());
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  list.resize(std::min(list.size(), max_rollouts_told));
  page.metric("fleet_failures", "gauge",
              "Machines whose failure counts, by rollout; the 16 rollouts with the most.");
  for (const auto& [rollout, failures] : list)
    page.sample({{"cluster", cluster.name}, {"rollout", rollout}}, number(failures));
}

void add_cluster(MetricsPage& page, const Cluster& cluster, UnixSeconds now) {
  const MetricLabels labels{{"cluster", cluster.name}};
  page.gauge("fleet_store_reachable", "Whether the cluster's etcd answered this machine in time.",
             cluster.view ? 1 : 0, labels);
  if (!cluster.view) return;
  const auto& gate = cluster.view->gate;
  page.gauge("fleet_halted", "Whether the cluster is halted.", gate.halt ? 1 : 0, labels);
  page.gauge("fleet_paused", "Whether the cluster is paused.", gate.pause ? 1 : 0, labels);
  page.gauge("fleet_unreadable_keys", "Keys of the gate without sense; with any nobody begins.",
             number(gate.unreadable.size()), labels);
  page.gauge("fleet_waiting", "Machines that wait in line.", number(cluster.view->waiting), labels);
  add_nodes(page, cluster);
  add_places(page, cluster, now);
  add_failures(page, cluster);
}

}  // namespace

void add_fleet(MetricsPage& page, const MetricFacts& facts) {
  if (facts.cluster) add_cluster(page, *facts.cluster, facts.now);
  if (!facts.plan) return;
  page.gauge("fleet_plan_serial", "Serial of the rollout plan that was believed last.",
             static_cast<std::int64_t>(facts.plan->serial));
  page.gauge("fleet_plan_expires_timestamp_seconds",
             "When the rollout plan expires, and nothing begins any more.", facts.plan->expires);
}

}  // namespace cube::cli
