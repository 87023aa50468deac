// ClusterView: a cluster as its store shows it, for people. Nothing is decided by it.
#pragma once

#include <string>
#include <vector>

#include "agent/fleet/key_value_store.h"
#include "agent/fleet/node_record.h"
#include "agent/fleet/operator_acts.h"
#include "model/fleet/gate.h"

namespace cube::fleet {

struct ClusterView {
  GateFacts gate;
  std::size_t waiting = 0;        // tickets in the queue
  std::vector<NodeRecord> nodes;  // by name; those whose record makes no sense are left out
};

// Errors: as KeyValueStore::read.
[[nodiscard]] Result<ClusterView> look_at(KeyValueStore& store, const std::string& cluster);
// What operators did to it, the newest last. Only reads. Errors: the same.
[[nodiscard]] Result<std::vector<LogEntry>> read_log(KeyValueStore& store,
                                                     const std::string& cluster);

}  // namespace cube::fleet
