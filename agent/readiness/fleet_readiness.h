// FleetReadiness: does this machine's part in a fleet work now: its cluster's etcd and gate, the
// rollout plan, its hooks? Judged from facts; pure. What it finds is for people: nothing is decided
// by it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/fleet/cluster_view.h"
#include "agent/fleet/etcd_members.h"
#include "agent/fleet/memory.h"
#include "agent/fleet/participant.h"
#include "agent/fleet/plan_source.h"
#include "agent/hooks/hook_folder.h"
#include "agent/readiness/readiness.h"

namespace cube {

struct FleetEndpoint {
  std::string url;
  Result<fleet::EtcdStatus> status;
};

struct FleetHooks {
  std::string occasion;  // "undrain.d"
  Result<std::vector<Hook>> hooks;
};

struct FleetFacts {
  // The configuration: what is wrong with it, or "".
  std::string config_trouble;
  std::string cluster;  // "": none, and of all that follows only the plan is judged
  bool heeds_plan = false;
  std::string user;         // of etcd; "": none
  bool plain_http = false;  // some endpoint is asked without TLS

  fleet::Member member;
  std::vector<FleetEndpoint> endpoints;
  Result<std::vector<fleet::EtcdMember>> members = not_asked();
  Result<std::vector<fleet::EtcdAlarm>> alarms = not_asked();
  Result<bool> compacted = not_asked();
  Result<fleet::ClusterView> view = not_asked();
  fleet::Limits limits;                   // of the rollout under way
  std::optional<std::string> own_record;  // what the cluster shows under this machine's name

  Result<fleet::FleetMemory> memory = not_asked();
  Result<fleet::PlanInForce> plan = not_asked();
  std::vector<FleetHooks> hooks;
  UnixSeconds now = 0;

  static Error not_asked() { return {Errc::unreachable, "nobody was asked"}; }
};

// What a check found. "": there is nothing to do.
struct FleetAnswer {
  Ready ready;
  std::string how;
  std::string remedy = "";
};

// In this order, "endpoint" and "hooks" once for each: "config", "endpoint", "login", "members",
// "space", "compaction", "gate", "node", "domain", "roles", "clocks", "memory", "plan", "hooks".
// Without a cluster, or without a plan, those of it are left out.
[[nodiscard]] std::vector<ReadinessFinding> judge_fleet(const FleetFacts& facts);

// Those about etcd (fleet_readiness_etcd.cpp).
[[nodiscard]] FleetAnswer judge_endpoint(const FleetFacts& facts, std::size_t place);
[[nodiscard]] FleetAnswer judge_login(const FleetFacts& facts);
[[nodiscard]] FleetAnswer judge_members(const FleetFacts& facts);
[[nodiscard]] FleetAnswer judge_space(const FleetFacts& facts);
[[nodiscard]] FleetAnswer judge_compaction(const FleetFacts& facts);

}  // namespace cube
