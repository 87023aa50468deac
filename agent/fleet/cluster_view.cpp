#include "agent/fleet/cluster_view.h"

#include <algorithm>

#include "base/json.h"
#include "model/fleet/gate_entries.h"
#include "model/name.h"

namespace cube::fleet {
namespace {

Result<SeenNode> read_node(const std::string& name, const std::string& value) {
  if (!is_safe_name(name)) return Error{Errc::corrupt, "not a name"};
  CUBE_TRY(const auto json, Json::parse(value));
  SeenNode node;
  node.node = name;
  CUBE_TRY(node.status.release, json.string_at("release"));
  CUBE_TRY(node.status.phase, json.string_at("phase"));
  CUBE_TRY(node.status.target, json.string_at("target"));
  CUBE_TRY(node.status.says, json.string_at("says"));
  CUBE_TRY(node.domain, json.string_at("domain"));
  CUBE_TRY(const auto at, json.unsigned_at("at"));
  node.at = static_cast<UnixSeconds>(std::min<std::uint64_t>(at, last_second));
  return node;
}

}  // namespace

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
    if (auto node = read_node(entry.key.substr(nodes.size()), entry.value))
      view.nodes.push_back(std::move(*node));
  return view;
}

Result<std::vector<LogEntry>> read_log(KeyValueStore& store, const std::string& cluster) {
  CUBE_TRY(auto reading, store.read("/cube-update/v1/" + cluster + "/audit/"));
  return log_in(std::move(reading));
}

}  // namespace cube::fleet
