#include "agent/readiness/fleet_readiness.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/json.h"

namespace cube {
namespace {

std::string record_of(const std::string& hardware) {
  fleet::NodeRecord record;
  record.hardware = hardware;
  return render(record);
}

constexpr UnixSeconds now = 1'800'000'000;
constexpr Seconds day = 86'400;

fleet::EtcdStatus status_of(std::uint64_t member) {
  fleet::EtcdStatus status;
  status.version = "3.5.5";
  status.member = member;
  status.leader = 1;
  status.database_bytes = status.bytes_in_use = 1024 * 1024;
  return status;
}

// Three members that answer, nothing held, a plan that is in force, all hooks there.
FleetFacts good() {
  FleetFacts facts;
  facts.cluster = "c1";
  facts.heeds_plan = true;
  facts.member.node = "n1";
  facts.member.domain = "rack1";
  facts.member.hardware = "R740";
  std::vector<fleet::EtcdMember> members;
  for (std::uint64_t id = 1; id <= 3; ++id) {
    const auto name = "m" + std::to_string(id);
    facts.endpoints.push_back({"https://" + name, status_of(id)});
    members.push_back({id, name, {}, false});
  }
  facts.members = members;
  facts.alarms = std::vector<fleet::EtcdAlarm>{};
  facts.compacted = true;
  facts.view = fleet::ClusterView{};
  fleet::FleetMemory memory;
  memory.self = "abcd";
  facts.memory = memory;
  fleet::PlanInForce plan;
  plan.plan.serial = 3;
  plan.plan.expires = now + 60 * day;
  plan.sha256 = "ff";
  facts.plan = plan;
  for (const char* occasion : {"pre-reboot.d", "undrain.d", "cluster-health.d"})
    facts.hooks.push_back({occasion, std::vector<Hook>{{"50-it", "x/50-it", ""}}});
  facts.now = now;
  return facts;
}

// "name:ready" of all that are not yes.
std::string found(const FleetFacts& facts) {
  std::string text;
  for (const auto& finding : judge_fleet(facts)) {
    if (finding.ready == Ready::yes) continue;
    text += (text.empty() ? "" : " ") + finding.name + ":" + std::string(to_string(finding.ready));
    EXPECT_FALSE(finding.ready == Ready::no && finding.remedy.empty()) << finding.name;
  }
  return text;
}

TEST(FleetReadiness, NothingIsWrong) {
  EXPECT_EQ(found(good()), "");
  EXPECT_EQ(judge_fleet(good()).size(), 18U);
}

TEST(FleetReadiness, EachFaultIsFoundAlone) {
  struct Case {
    const char* found;
    void (*spoil)(FleetFacts&);
  };
  const Error away{Errc::unreachable, "no route"}, liar{Errc::untrusted, "its certificate"};
  static const Error gone = away, foreign = liar;
  const Case cases[] = {
      {"config:no", [](FleetFacts& f) { f.config_trouble = "x"; }},
      {"endpoint:warning members:warning", [](FleetFacts& f) { f.endpoints[1].status = gone; }},
      {"endpoint:no members:warning", [](FleetFacts& f) { f.endpoints[1].status = foreign; }},
      {"endpoint:no endpoint:no endpoint:no members:no",
       [](FleetFacts& f) {
         for (auto& each : f.endpoints) each.status = gone;
       }},
      {"endpoint:no members:warning", [](FleetFacts& f) { f.endpoints[0].status->leader = 0; }},
      {"endpoint:warning", [](FleetFacts& f) { f.endpoints[0].status->version = "3.6.1"; }},
      {"endpoint:warning endpoint:warning members:warning",
       [](FleetFacts& f) { f.endpoints[1].status->member = 1; }},
      {"members:warning", [](FleetFacts& f) { f.endpoints.pop_back(); }},
      {"members:warning",
       [](FleetFacts& f) {
         f.endpoints.resize(1, f.endpoints[0]);
         f.members->resize(1);
       }},
      {"members:warning",
       [](FleetFacts& f) {
         f.members->push_back({9, "", {}, false});
       }},
      {"",
       [](FleetFacts& f) {
         f.members->push_back({9, "m9", {}, true});
       }},
      {"login:warning", [](FleetFacts& f) { f.plain_http = true; }},
      {"login:no gate:no node:unknown clocks:unknown", [](FleetFacts& f) { f.view = foreign; }},
      {"space:no",
       [](FleetFacts& f) {
         f.alarms->push_back({2, "NOSPACE"});
       }},
      {"space:no",
       [](FleetFacts& f) {
         f.alarms->push_back({2, "CORRUPT"});
       }},
      {"space:warning",
       [](FleetFacts& f) { f.endpoints[2].status->database_bytes = std::uint64_t{2} << 30; }},
      {"space:warning",
       [](FleetFacts& f) { f.endpoints[2].status->database_bytes = std::uint64_t{1} << 29; }},
      {"compaction:unknown", [](FleetFacts& f) { f.compacted = false; }},
      {"compaction:warning",
       [](FleetFacts& f) {
         f.compacted = false;
         f.memory->revision = 200'000;
       }},
      {"gate:no", [](FleetFacts& f) { f.view->gate.unreadable.emplace_back("what"); }},
      {"gate:no",
       [](FleetFacts& f) {
         for (const char* name : {"n2", "n3"}) {
           f.view->gate.holders.emplace_back();
           f.view->gate.holders.back().node = name;
         }
       }},
      {"gate:warning",
       [](FleetFacts& f) {
         f.view->gate.halt = fleet::Notice{"x", "n2", 1};
       }},
      {"node:no",
       [](FleetFacts& f) {
         f.view->gate.holders.push_back({"n1", "r", "rack1", {}, "ef01-1", 1, 1});
       }},
      {"",
       [](FleetFacts& f) {
         f.view->gate.holders.push_back({"n1", "r", "rack1", {}, "abcd-1", 1, 1});
       }},
      {"node:no", [](FleetFacts& f) { f.own_record = record_of("X10"); }},
      {"node:warning", [](FleetFacts& f) { f.own_record = record_of("R740"); }},
      {"node:warning", [](FleetFacts& f) { f.own_record = "{"; }},
      {"",
       [](FleetFacts& f) {
         f.own_record = record_of("R740");
         f.memory->shown = record_of("R740");
       }},
      {"domain:warning", [](FleetFacts& f) { f.member.domain.clear(); }},
      {"clocks:warning",
       [](FleetFacts& f) {
         f.view->nodes.emplace_back();
         f.view->nodes.back().at = now + 3600;
       }},
      {"node:unknown memory:no",
       [](FleetFacts& f) {
         f.memory = Error{Errc::corrupt, "fleet.json"};
       }},
      {"memory:warning", [](FleetFacts& f) { f.memory->wary = fleet::Moment{}; }},
      {"plan:warning",
       [](FleetFacts& f) {
         f.plan = Error{Errc::not_found, "x"};
       }},
      {"plan:no",
       [](FleetFacts& f) {
         f.plan = Error{Errc::corrupt, "x"};
       }},
      {"plan:no", [](FleetFacts& f) { f.plan->plan.expires = now; }},
      {"plan:warning", [](FleetFacts& f) { f.plan->plan.expires = now + day; }},
      {"plan:warning", [](FleetFacts& f) { f.plan->plan.halt = "fans"; }},
      {"plan:no",
       [](FleetFacts& f) {
         f.view->gate.plan = fleet::PlanMark{4, "ff"};
       }},
      {"plan:no",
       [](FleetFacts& f) {
         f.view->gate.plan = fleet::PlanMark{3, "ee"};
       }},
      {"",
       [](FleetFacts& f) {
         f.view->gate.plan = fleet::PlanMark{2, "ee"};
       }},
      {"hooks:no", [](FleetFacts& f) { f.hooks[1].hooks->at(0).defect = "not executable"; }},
      {"hooks:warning", [](FleetFacts& f) { f.hooks[1].hooks->clear(); }},
      {"",
       [](FleetFacts& f) {
         f.hooks[0].hooks->clear();
         f.hooks[1].hooks->clear();
       }},
      {"hooks:warning", [](FleetFacts& f) { f.hooks[2].hooks->clear(); }},
  };
  int number = 0;
  for (const auto& one : cases) {
    auto facts = good();
    one.spoil(facts);
    EXPECT_EQ(found(facts), one.found) << "case " << number;
    ++number;
  }
}

TEST(FleetReadiness, WhatAMachineIsNoPartOfIsLeftOut) {
  auto facts = good();
  facts.cluster.clear();
  EXPECT_EQ(judge_fleet(facts).size(), 2U);
  facts = good();
  facts.heeds_plan = false;
  facts.plan = FleetFacts::not_asked();
  EXPECT_EQ(found(facts), "");
}

}  // namespace
}  // namespace cube
