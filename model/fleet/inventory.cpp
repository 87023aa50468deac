#include "model/fleet/inventory.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "model/fleet/members.h"
#include "model/fleet/plan.h"
#include "model/name.h"

namespace cube::fleet {
namespace {

constexpr std::size_t max_depth = 4;
constexpr std::size_t max_roles = 16;

Error corrupt(const std::string& what) {
  return {Errc::corrupt, what};
}

// "" when it is not there.
Result<std::string> name_if(const Json& json, const std::string& key) {
  if (!json.has(key)) return std::string();
  return name_at(json, key);
}

Result<std::string> running_at(const Json& json) {
  CUBE_TRY(auto running, json.string_at("running"));
  if (!ReleaseName::parse(running)) return corrupt("\"running\" is no name of a release");
  return running;
}

Result<InventoryNode> read_node(const Json& json, const std::string& running) {
  CUBE_CHECK(check_members(json, {"name"}, {"running", "domain", "roles", "hardware"}));
  InventoryNode node;
  CUBE_TRY(node.name, name_at(json, "name"));
  node.running = running;
  if (json.has("running")) {
    CUBE_TRY(node.running, running_at(json));
  }
  if (node.running.empty()) return corrupt("\"running\" is neither here nor in its cluster");
  CUBE_TRY(node.domain, name_if(json, "domain"));
  CUBE_TRY(node.hardware, name_if(json, "hardware"));
  CUBE_CHECK(each_of(json, "roles", max_roles, [&](const Json& each) -> Status {
    CUBE_TRY(auto role, each.string());
    if (!is_safe_name(role)) return corrupt("not a safe name");
    node.roles.insert(std::move(role));
    return ok();
  }));
  return node;
}

Status read_labels(InventoryCluster& cluster, const Json& json) {
  return each_of(json, "labels", max_labels, [&](const Json& each) -> Status {
    CUBE_TRY(auto label, each.string());
    if (!is_label(label)) return corrupt("no label like \"canary=true\"");
    cluster.labels.push_back(std::move(label));
    return ok();
  });
}

Result<InventoryCluster> read_cluster(std::string_view line) {
  CUBE_TRY(const Json json, Json::parse(line, {max_inventory_line, max_depth}));
  CUBE_CHECK(check_members(json, {"id", "nodes"},
                           {"labels", "running", "time_zone", "trial_deadline", "gate"}));
  InventoryCluster cluster;
  CUBE_TRY(cluster.id, name_at(json, "id"));
  CUBE_CHECK(read_labels(cluster, json));
  std::string running;
  if (json.has("running")) {
    CUBE_TRY(running, running_at(json));
  }
  if (json.has("time_zone")) {
    CUBE_TRY(cluster.time_zone, text_at(json, "time_zone"));
  }
  if (json.has("trial_deadline")) {
    CUBE_TRY(cluster.trial_deadline, duration_at(json, "trial_deadline"));
  }
  if (json.has("gate")) {
    CUBE_TRY(cluster.gate, flag_at(json, "gate"));
  }
  std::set<std::string> names;
  CUBE_CHECK(each_of(json, "nodes", max_cluster_nodes, [&](const Json& each) -> Status {
    CUBE_TRY(auto node, read_node(each, running));
    if (!names.insert(node.name).second) return corrupt("another one has the same name");
    cluster.nodes.push_back(std::move(node));
    return ok();
  }));
  if (cluster.nodes.empty()) return corrupt("\"nodes\" is empty");
  return cluster;
}

// Cuts the first line off.
std::string_view next_line(std::string_view& text) {
  const auto line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

}  // namespace

Result<Inventory> read_inventory(std::string_view text) {
  Inventory inventory;
  std::set<std::string> ids;
  std::size_t nodes = 0;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto line = next_line(text);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto here = "inventory: line " + std::to_string(number);
    auto cluster = read_cluster(line);
    if (!cluster) return std::move(cluster).error().in(here);
    nodes += cluster->nodes.size();
    if (!ids.insert(cluster->id).second)
      return corrupt("another cluster has the id " + cluster->id).in(here);
    if (ids.size() > max_inventory_clusters || nodes > max_inventory_nodes)
      return corrupt("more than " + std::to_string(max_inventory_clusters) + " clusters or " +
                     std::to_string(max_inventory_nodes) + " machines")
          .in(here);
    inventory.push_back(std::move(*cluster));
  }
  if (inventory.empty()) return corrupt("inventory: no cluster");
  return inventory;
}

}  // namespace cube::fleet
