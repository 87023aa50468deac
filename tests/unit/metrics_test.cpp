#include <gtest/gtest.h>

#include <algorithm>

#include "agent/cli/metrics.h"

namespace cube::cli {
namespace {

MetricFacts facts() {
  MetricFacts facts;
  facts.version = "1.0";
  facts.loader = "grub";
  facts.booted = SlotId::b;
  facts.release = "CUBE_1.0.0_20260101-0000_abcd1234";
  facts.boot = BootState{SlotId::b, std::nullopt, false};
  return facts;
}

bool has_line(const std::string& page, const std::string& line) {
  return ("\n" + page).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, WhatIsNotKnownIsLeftOut) {
  const auto page = metrics_text(facts());
  EXPECT_TRUE(has_line(page, "cube_update_boot_records_ok 1"));
  EXPECT_TRUE(has_line(page, "cube_update_updates_total 0"));
  for (const auto* absent : {"last_", "trial_", "pending_"})
    EXPECT_EQ(page.find(std::string("cube_update_") + absent), std::string::npos) << absent;
  auto without = facts();
  without.boot.reset();
  const auto damaged = metrics_text(without);
  EXPECT_TRUE(has_line(damaged, "cube_update_boot_records_ok 0"));
  EXPECT_EQ(damaged.find("running_is_fallback"), std::string::npos);
}

TEST(Metrics, ValuesOfLabelsAreEscaped) {
  auto hostile = facts();
  hostile.release = "a\"} 1\nowned{x=\"\\";
  const auto page = metrics_text(hostile);
  EXPECT_NE(page.find("release=\"a\\\"} 1\\nowned{x=\\\"\\\\\","), std::string::npos) << page;
  EXPECT_EQ(page.find("\nowned"), std::string::npos);
}

TEST(Metrics, EachMetricIsOnceAndHasHelpAndType) {
  auto busy = facts();
  busy.boot->trial = Trial{SlotId::a, 2, 1};
  busy.journal.phase = Trying{};
  busy.journal.history.push_back({});
  busy.last_look = 1;
  const auto page = metrics_text(busy);
  EXPECT_TRUE(has_line(page, "cube_update_trial_tries_left{slot=\"a\"} 2"));
  EXPECT_TRUE(has_line(page, "cube_update_phase{phase=\"trying\"} 1"));
  EXPECT_TRUE(has_line(page, "cube_update_phase{phase=\"idle\"} 0"));
  std::size_t helps = 0, types = 0;
  for (std::size_t at = 0; (at = page.find("# HELP ", at)) != std::string::npos; ++at) ++helps;
  for (std::size_t at = 0; (at = page.find("# TYPE ", at)) != std::string::npos; ++at) ++types;
  EXPECT_EQ(helps, types);
  EXPECT_GE(helps, 15U);
}

TEST(Metrics, AClusterThatDoesNotAnswerHasNoOtherFacts) {
  auto lost = facts();
  lost.cluster = ClusterMetricFacts{"c1", std::nullopt, 1};
  const auto page = metrics_text(lost);
  EXPECT_TRUE(has_line(page, "cube_update_fleet_store_reachable{cluster=\"c1\"} 0"));
  EXPECT_EQ(page.find("fleet_halted"), std::string::npos);
  EXPECT_EQ(page.find("fleet_plan"), std::string::npos);
  lost.plan = PlanMetricFacts{412, 5};
  EXPECT_TRUE(has_line(metrics_text(lost), "cube_update_fleet_plan_serial 412"));
}

TEST(Metrics, OfAClusterAFewAreToldWhateverItHolds) {
  auto full = facts();
  full.now = 1000;
  full.cluster = ClusterMetricFacts{"c1", fleet::ClusterView{}, 2};
  auto& view = *full.cluster->view;
  for (int i = 0; i < 1000; ++i) {
    const auto name = "n" + std::to_string(i);
    view.nodes.push_back({name, {name, name, name, name}, name, {}, name, 1, 0});
    view.gate.failures.push_back({name, name, name, name, name, name, false});
  }
  view.gate.holders = {{"a", "r", "", {}, "x", 400, 1}, {"b", "r", "", {}, "x", 900, 1}};
  const auto page = metrics_text(full);
  EXPECT_TRUE(has_line(page, "cube_update_fleet_oldest_place_seconds{cluster=\"c1\"} 600"));
  EXPECT_TRUE(has_line(page, "cube_update_fleet_places_max{cluster=\"c1\"} 2"));
  EXPECT_TRUE(has_line(page, "cube_update_fleet_releases{cluster=\"c1\"} 1000"));
  EXPECT_LT(std::count(page.begin(), page.end(), '\n'), 120);
}

}  // namespace
}  // namespace cube::cli
