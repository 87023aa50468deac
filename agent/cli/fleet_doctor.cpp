// cube-update fleet doctor: does this machine's part in a fleet work now?
#include <fmt/format.h>

#include <algorithm>

#include "agent/cli/exit_code.h"
#include "agent/cli/fleet_cluster.h"
#include "agent/cli/render.h"
#include "agent/fleet/plan_facts.h"
#include "agent/readiness/fleet_readiness.h"

namespace cube::cli {
namespace {

using fleet::ClusterPart;

void ask_etcd(FleetFacts& facts, ClusterPart& cluster) {
  auto& gateway = cluster.store().gateway();
  const auto& urls = gateway.config().endpoints;
  for (std::size_t place = 0; place < urls.size(); ++place) {
    facts.plain_http = facts.plain_http || urls[place].starts_with("http:");
    facts.endpoints.push_back({urls[place], status_of(gateway, place)});
  }
  facts.view = look_at(cluster.store(), facts.cluster);
  const bool nobody = std::none_of(facts.endpoints.begin(), facts.endpoints.end(),
                                   [](const FleetEndpoint& one) { return one.status.has_value(); });
  if (nobody) return;
  facts.members = members_of(gateway);
  facts.alarms = alarms_of(gateway);
  const auto own = "/cube-update/v1/" + facts.cluster + "/node/" + facts.member.node;
  facts.compacted = was_compacted(gateway, own);
  if (const auto record = cluster.store().read(own))
    for (const auto& entry : record->entries)
      if (entry.key == own) facts.own_record = entry.value;
  if (!facts.view || facts.view->gate.holders.empty()) return;
  if (const auto limits = cluster.limits_of(facts.view->gate.holders.front().rollout))
    facts.limits = *limits;
}

void look_at_cluster(FleetFacts& facts, Appliance& appliance) {
  facts.memory = fleet::FileFleetMemory(appliance.root()).load();
  for (const char* occasion : {"pre-reboot.d", "undrain.d", "cluster-health.d"})
    facts.hooks.push_back({occasion, hooks_in(appliance.root(), occasion)});
  auto cluster = appliance.cluster();
  if (!cluster) {
    facts.config_trouble = cluster.error().what;
    return;
  }
  facts.member = (*cluster)->member();
  ask_etcd(facts, **cluster);
}

Result<FleetFacts> gather(Appliance& appliance) {
  const auto& config = appliance.config().config;
  FleetFacts facts;
  facts.cluster = config.fleet_cluster;
  facts.heeds_plan = config.fleet_plan;
  facts.user = config.fleet_user;
  facts.now = appliance.clock().now();
  if (!facts.cluster.empty()) look_at_cluster(facts, appliance);
  if (!facts.heeds_plan) return facts;
  facts.plan = fleet::PlanSource(appliance.root()).kept();
  const auto unit = fleet::facts_of_node(appliance.root(), config, {}, "");
  if (!unit && facts.config_trouble.empty()) facts.config_trouble = unit.error().what;
  return facts;
}

Json to_json(const std::vector<ReadinessFinding>& findings) {
  Json::Array checks, unmet;
  for (const auto& finding : findings) {
    checks.push_back(Json::Object{{"check", finding.name},
                                  {"what", finding.what},
                                  {"ready", std::string(to_string(finding.ready))},
                                  {"how", finding.how},
                                  {"remedy", finding.remedy}});
    if (finding.ready == Ready::no) unmet.push_back(finding.what + ": " + finding.how);
  }
  return Json::Object{
      {"event", "result"}, {"checks", std::move(checks)}, {"unmet", std::move(unmet)}};
}

std::string to_text(const std::vector<ReadinessFinding>& findings) {
  std::string out = "does this machine's part in its fleet work now?\n\n";
  for (const auto& finding : findings) {
    out += fmt::format("{:8}{}\n        {}\n", to_string(finding.ready), printable(finding.what),
                       printable(finding.how));
    if (!finding.remedy.empty()) out += "        -> " + finding.remedy + "\n";
  }
  return out;
}

}  // namespace

Result<int> fleet_doctor(const Common& common) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  const auto& config = appliance->config().config;
  if (config.fleet_cluster.empty() && !config.fleet_plan)
    return Error{
        Errc::invalid,
        "this machine is of no fleet; set fleet.cluster and fleet.endpoints, or fleet.plan "
        "= true, in /etc/cube-update/config.d"};
  CUBE_TRY(const auto facts, gather(*appliance));
  const auto findings = judge_fleet(facts);
  fmt::print("{}", common.json ? to_json(findings).line() + "\n" : to_text(findings));
  const bool fails = std::any_of(findings.begin(), findings.end(),
                                 [](const auto& finding) { return finding.ready == Ready::no; });
  return fails ? exit_refused : exit_done;
}

}  // namespace cube::cli
