// The page about a cluster, by its text; how it looks: tests/scenario/fleet_page_test.py.
#include "agent/cli/fleet_page.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/cli/fleet_page_parts.h"
#include "agent/cli/html_text.h"
#include "agent/cli/ramp_chart.h"

namespace cube::cli {
namespace {

using fleet::NodeState;

constexpr UnixSeconds now = 1'790'000'000;
constexpr Seconds day = 86400;

fleet::NodeRecord node(const std::string& name, const std::string& domain, const std::string& phase) {
  fleet::NodeRecord record;
  record.node = name;
  record.status = {"R1", phase, "", ""};
  record.domain = domain;
  record.at = now - 60;
  return record;
}

FleetPage page() {
  FleetPage page;
  page.cluster = "c1";
  page.writer = "n1";
  page.version = "1.0";
  page.unit = "c1";
  page.written = now;
  return page;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(FleetPageText, ForeignTextIsCutPrintableAndEscaped) {
  EXPECT_EQ(html("a<b>&\"'c"), "a&lt;b&gt;&amp;&quot;&#39;c");
  EXPECT_EQ(html("\x1b[31m\n\xc3\xa9\x7f" + std::string(1, '\0')), "?[31m?????");
  EXPECT_EQ(html(std::string(300, '<')).size(), max_shown * 4 + 3);
  EXPECT_EQ(html("abcdef", 3), "abc...");
}

TEST(FleetPageText, DurationsAreForPeople) {
  EXPECT_EQ(page_duration(-5), "under a minute");
  EXPECT_EQ(page_duration(59), "under a minute");
  EXPECT_EQ(page_duration(60), "1 min");
  EXPECT_EQ(page_duration(5400), "1 h 30 min");
  EXPECT_EQ(page_duration(day), "1 d");
  EXPECT_EQ(page_duration(2 * day + 4 * 3600), "2 d 4 h");
}

TEST(FleetPageText, NothingOfTheStoreBecomesAnElement) {
  const std::string hostile = "\"><script src=x>'</style>&";
  auto hostile_page = page();
  auto& view = hostile_page.view;
  view.nodes = {{hostile, {hostile, hostile, hostile, hostile}, hostile, {}, hostile, 1, now}};
  view.gate.halt = fleet::Notice{hostile, hostile, now};
  view.gate.pause = view.gate.halt;
  view.gate.unreadable = {hostile};
  view.gate.blocked = {{hostile, hostile}};
  view.gate.holders = {{hostile, hostile, hostile, {hostile}, hostile, last_second, 1}};
  view.gate.failures = {{hostile, hostile, hostile, hostile, hostile, hostile, true}};
  hostile_page.log = {{now, hostile, hostile, hostile}};
  hostile_page.no_plan = hostile;
  hostile_page.cluster = hostile_page.writer = hostile;
  const auto text = fleet_page(hostile_page);
  EXPECT_FALSE(has(text, "<script"));
  EXPECT_FALSE(has(text, "\">'"));
  EXPECT_EQ(count(text, "</style>"), 1U);
  EXPECT_GE(count(text, "&quot;&gt;&lt;script src=x&gt;&#39;"), 15U);
}

TEST(FleetPageText, TheStyleIsTheOnlyThingThatMayBeUsed) {
  const auto text = fleet_page(page());
  EXPECT_TRUE(has(text, "default-src 'none'; style-src 'sha256-"));
  for (const char* none : {"<script", "<img", "<link", "<iframe", "<form",
                           " href=", " src=", " style=", "url(", "@import", " onerror="})
    EXPECT_EQ(count(text, none), 0U) << none;
}

TEST(FleetPageText, HowManyAreShownHasBounds) {
  auto large = page();
  for (int i = 0; i < 4096; ++i) {
    const auto name = "n" + std::to_string(i);
    large.view.nodes.push_back(node(name, name, "staged"));
    large.view.nodes.back().status.release = name;
    large.view.gate.failures.push_back({name, name, "R", name, name, name, false});
    large.view.gate.blocked[name] = name;
    large.log.push_back({now, name, "why", "who"});
  }
  const auto text = fleet_page(large);
  EXPECT_LT(text.size(), 200'000U);
  EXPECT_TRUE(has(text, "4032 more"));
  EXPECT_TRUE(has(text, "and 4076 older entries"));
  EXPECT_TRUE(has(text, "n4095</span></td><td data-column=\"Why\">"));
}

TEST(FleetPageText, AMachineHasTheStateThatWantsMostAttention) {
  fleet::ClusterView view;
  for (const auto& [name, phase] : std::initializer_list<std::pair<const char*, const char*>>{
           {"a", "idle"}, {"b", "trying"}, {"c", "staged"}, {"d", "dancing"}, {"e", "armed"}})
    view.nodes.push_back(node(name, "rack1", phase));
  view.gate.holders = {{"e", "r", "rack9", {}, "x", now, 1}, {"g", "r", "rack9", {}, "x", now, 1}};
  view.gate.failures = {{"r", "f", "R", "panic", "", "", false},
                        {"r", "g", "R", "panic", "", "", false}};
  std::string states, domains;
  for (const auto& one : states_of(view)) {
    states += one.node + ":" + std::string(to_string(one.state)) + " ";
    domains += one.domain + " ";
  }
  EXPECT_EQ(states, "a:idle b:working c:waiting d:unknown e:away f:failed g:failed ");
  EXPECT_EQ(domains, "rack1 rack1 rack1 rack1 rack1  rack9 ");
}

TEST(FleetPageText, AgeIsJudgedByTheDeadlineThatCounts) {
  auto late = page();
  late.view.gate.holders = {{"n2", "r1", "rack1", {}, "x", now - 3600, 1}};
  EXPECT_FALSE(has(fleet_page(late), "too long"));
  late.view.gate.policy.hold_deadline = 1800;
  EXPECT_TRUE(has(fleet_page(late), "1 h, too long"));
  EXPECT_TRUE(has(fleet_page(late), "held for more than 30 min"));
}

TEST(FleetPageText, WhatStandsStillIsSaidAtTheTop) {
  auto still = page();
  EXPECT_TRUE(has(fleet_page(still), "Nothing stands still"));
  still.plan.emplace();
  still.plan->expires = now;
  still.plan->halt = "the fans stop";
  still.view.gate.pause = fleet::Notice{"audit", "root on n1", now};
  const auto text = fleet_page(still);
  const auto top = text.substr(0, text.find("class=\"figures\""));
  for (const char* said : {"The plan has expired", "the fans stop", "Paused", "audit"})
    EXPECT_TRUE(has(top, said)) << said;
  EXPECT_FALSE(has(text, "Nothing stands still"));
}

fleet::Rollout rollout(fleet::Interpolate how) {
  fleet::Rollout one;
  one.id = "r1";
  one.salt = "s";
  one.ramp = {now - day, {{0, 100'000}, {2 * day, 1'000'000}}, how};
  return one;
}

TEST(FleetPageRamp, StepsAreUprightAndSlopesAreNot) {
  const auto steps = ramp_chart(rollout(fleet::Interpolate::step), "c1", now);
  const auto slope = ramp_chart(rollout(fleet::Interpolate::linear), "c1", now);
  EXPECT_TRUE(has(steps, "now 10 %"));
  EXPECT_TRUE(has(slope, "now 55 %"));
  const auto curve = [](const std::string& chart) {
    const auto at = chart.find("\"curve\"");
    return chart.substr(at, chart.find("/>", at) - at);
  };
  EXPECT_EQ(count(curve(steps), "L"), 5U);
  EXPECT_EQ(count(curve(slope), "L"), 4U);
  EXPECT_TRUE(has(steps, ">now</text>"));
  EXPECT_FALSE(has(steps, "deadline"));
}

TEST(FleetPageRamp, WhatLiesFarAwayIsLeftOut) {
  for (const UnixSeconds far : {UnixSeconds{0}, last_second}) {
    const auto chart = ramp_chart(rollout(fleet::Interpolate::step), "c1", far);
    EXPECT_FALSE(has(chart, ">now</text>")) << far;
    EXPECT_FALSE(has(chart, "nan"));
  }
  auto last = rollout(fleet::Interpolate::step);
  last.ramp.start = last_second;
  EXPECT_TRUE(has(ramp_chart(last, "c1", now), "9999-12-31"));
}

TEST(FleetPageRamp, SharesAreRoundedDown) {
  EXPECT_EQ(percent(0), "0 %");
  EXPECT_EQ(percent(125'000), "12.50 %");
  EXPECT_EQ(percent(999'999), "99.99 %");
  EXPECT_EQ(percent(1'000'000), "100 %");
}

}  // namespace
}  // namespace cube::cli
