#include "agent/fleet/cluster_view.h"

#include "model/fleet/gate_entries.h"

namespace cube::fleet {
Result<ClusterView> look_at(KeyValueStore& store, const std::string& cluster) {
  const std::string prefix = "/cube-update/v1/" + cluster + "/";
  const std::string gate = prefix + "gate/", nodes = prefix + "node/";
  CUBE_TRY(const auto at_gate, store.read(prefix + "gate"));
  CUBE_TRY(const auto machines, store.read(nodes));
  ClusterView view;
  for (const auto& entry : at_gate.entries) {
    if (entry.key.starts_with(gate))
      take_gate_entry(view.gate, entry.key.substr(gate.size()), entry.value, entry.created);
    else
      ++view.waiting;
  }
  for (const auto& entry : machines.entries)
    if (auto node = read_record(entry.key.substr(nodes.size()), entry.value))
      view.nodes.push_back(std::move(*node));
  return view;
}

Result<std::vector<LogEntry>> read_log(KeyValueStore& store, const std::string& cluster) {
  CUBE_TRY(auto reading, store.read("/cube-update/v1/" + cluster + "/audit/"));
  return log_in(std::move(reading));
}

}  // namespace cube::fleet
