// What becomes of each machine of a cluster, in one word, by what the store shows. For people and
// for metrics; nothing is decided by it. Pure.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "agent/fleet/cluster_view.h"

namespace cube::fleet {

// In the order in which they want attention. Of several the first counts.
enum class NodeState {
  failed,   // its failure counts in a rollout
  away,     // it holds a place: it restarts, or is not back to work yet
  working,  // an update is under way that holds no place
  waiting,  // an update is there, and its turn has not come
  idle,
  unknown,  // it shows nothing, or a phase that is not known here
};
inline constexpr std::array node_states{NodeState::failed,  NodeState::away, NodeState::working,
                                        NodeState::waiting, NodeState::idle, NodeState::unknown};

// Stable words: "failed", ... (JSON, metrics).
[[nodiscard]] std::string_view to_string(NodeState state);

struct NodeInState {
  std::string node;
  std::string domain;  // as it was told; "": not known
  NodeState state = NodeState::unknown;
  const NodeRecord* shows = nullptr;  // of the view; nullptr: nothing, or nothing that makes sense
};

// By name: the machines that show something, that hold a place or whose failure counts. `view`
// outlives what is returned.
[[nodiscard]] std::vector<NodeInState> states_of(const ClusterView& view);

}  // namespace cube::fleet
