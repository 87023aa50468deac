#include "agent/fleet/node_state.h"

#include <map>

namespace cube::fleet {
namespace {

NodeState state_in(const std::string& phase) {
  if (phase == "idle") return NodeState::idle;
  if (phase == "fetched" || phase == "staged") return NodeState::waiting;
  for (const char* working :
       {"fetching", "filling", "arming", "armed", "trying", "committing", "rolling-back"})
    if (phase == working) return NodeState::working;
  return NodeState::unknown;
}

}  // namespace

std::string_view to_string(NodeState state) {
  switch (state) {
    case NodeState::failed:
      return "failed";
    case NodeState::away:
      return "away";
    case NodeState::working:
      return "working";
    case NodeState::waiting:
      return "waiting";
    case NodeState::idle:
      return "idle";
    case NodeState::unknown:
      break;
  }
  return "unknown";
}

std::vector<NodeInState> states_of(const ClusterView& view) {
  std::map<std::string, NodeInState> found;
  for (const auto& one : view.nodes)
    found[one.node] = {one.node, one.domain, state_in(one.status.phase), &one};
  for (const auto& holder : view.gate.holders) {
    auto& node = found[holder.node];
    node.state = NodeState::away;
    if (node.domain.empty()) node.domain = holder.domain;
  }
  for (const auto& failure : view.gate.failures) found[failure.node].state = NodeState::failed;
  std::vector<NodeInState> states;
  for (auto& [name, node] : found) {
    node.node = name;
    states.push_back(std::move(node));
  }
  return states;
}

}  // namespace cube::fleet
