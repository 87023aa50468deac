#include "agent/fleet/plan_facts.h"

namespace cube::fleet {
namespace {

Result<std::string> unit_of(const RootDir& root, const Config& config) {
  if (!config.fleet_unit.empty()) return config.fleet_unit;
  if (!config.fleet_cluster.empty()) return config.fleet_cluster;
  const auto machine = root.read_file("etc/machine-id", 128);
  auto id = machine ? machine->substr(0, machine->find('\n')) : std::string();
  if (!id.empty()) return id;
  return Error{Errc::invalid,
               "the rollout plan counts units, and nothing tells which one this machine is of: set "
               "fleet.unit in /etc/cube-update/config.d"};
}

// What an operator ended says nothing of the release.
bool is_failure(const Attempt& attempt) {
  return attempt.outcome == Outcome::rolled_back && attempt.rehearsal == Rehearsal::none &&
         attempt.why.cause != Cause::rollback_asked;
}

}  // namespace

Result<NodeFacts> facts_of_node(const RootDir& root, const Config& config, const Journal& journal,
                                const std::string& running) {
  NodeFacts node;
  CUBE_TRY(node.unit, unit_of(root, config));
  node.labels = config.fleet_labels;
  node.running = running;
  if (const auto name = ReleaseName::parse(running)) node.not_before = built_at(*name);
  node.restart_takes = config.trial_deadline;
  for (const auto& denied : journal.denied) node.denied.push_back(denied.release);
  for (const auto& attempt : journal.history) {
    if (is_failure(attempt)) ++node.failed[attempt.release];
    if (attempt.outcome == Outcome::committed && attempt.release == running)
      node.running_since = attempt.ended;
  }
  return node;
}

}  // namespace cube::fleet
