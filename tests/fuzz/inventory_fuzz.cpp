// An inventory from anybody: no crash, no bound passed, and what is accepted can be forecast.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/fleet/forecast.h"
#include "model/name.h"

namespace {

void demand(bool kept) {
  if (!kept) std::abort();
}

// Everything goes at once.
cube::fleet::Plan plan() {
  auto name = cube::ReleaseName::parse("CUBE_9.0_20260101-0000_abcd1234").value();
  cube::fleet::Plan plan;
  plan.expires = cube::last_second;
  plan.releases.push_back({name, {}, false, "", ""});
  plan.rollouts.emplace_back();
  plan.rollouts[0].id = "r";
  plan.rollouts[0].release = name.text;
  plan.rollouts[0].ramp.points = {{0, cube::fleet::all_units}};
  return plan;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto inventory = cube::fleet::read_inventory({reinterpret_cast<const char*>(data), size});
  if (!inventory) return 0;
  std::size_t nodes = 0;
  for (auto& cluster : *inventory) {
    demand(cube::is_safe_name(cluster.id) && !cluster.nodes.empty());
    for (const auto& node : cluster.nodes)
      demand(cube::is_safe_name(node.name) && cube::ReleaseName::parse(node.running));
    nodes += cluster.nodes.size();
    cluster.time_zone = "UTC";  // the others are files
  }
  const cube::UnixSeconds from = 1800000000;
  const auto found = forecast(plan(), *inventory, {from, from + 86400});
  demand(found && found->passages.size() <= nodes);
  return 0;
}
