// Inventory: the clusters of a fleet and their machines, as an operator lists them to forecast what
// a plan would do (docs/formats/fleet-inventory.md). Nothing on a machine is decided by it. Pure
// values and their strict reader; foreign text.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace cube::fleet {

inline constexpr std::size_t max_inventory_bytes = 64 * 1024 * 1024;
inline constexpr std::size_t max_inventory_line = 1024 * 1024;
inline constexpr std::size_t max_inventory_clusters = 10'000;
inline constexpr std::size_t max_inventory_nodes = 100'000;
inline constexpr std::size_t max_cluster_nodes = 1000;

struct InventoryNode {
  std::string name;
  std::string running;  // release
  std::string domain;   // failure domain; "": not known
  std::set<std::string> roles;
  std::string hardware;  // fingerprint; "": not known
};

struct InventoryCluster {
  std::string id;                   // the unit that ramps count
  std::vector<std::string> labels;  // "canary=true"
  std::string time_zone = "UTC";    // what a plan's windows call "local"
  Seconds trial_deadline = 900;     // of its machines: what must fit a window
  bool gate = true;  // its machines take turns; false: each goes when the plan lets it
  std::vector<InventoryNode> nodes;  // at least one; each name once
};

using Inventory = std::vector<InventoryCluster>;

// One cluster a line; empty lines are passed over. Errors: corrupt, naming line and member.
[[nodiscard]] Result<Inventory> read_inventory(std::string_view text);

}  // namespace cube::fleet
