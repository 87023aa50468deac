#include <gtest/gtest.h>

#include <algorithm>

#include "model/fleet/eligibility.h"
#include "model/fleet/forecast_report.h"
#include "tests/unit/rollout_plan_text.h"

namespace cube::fleet {
namespace {

constexpr Seconds minute = 60, hour = 3600, day = 86'400;

UnixSeconds utc(const std::string& text) {
  return parse_utc(text).value();
}

// All at once from the 25th on, one at a time, one domain at a time.
Plan plain_plan() {
  auto plan = read_plan(good_plan).value();
  plan.windows.clear();
  plan.releases[0].barrier = false;
  auto& rollout = plan.rollouts[0];
  rollout.ramp = {utc("2026-11-25T00:00:00Z"), {{0, all_units}}, Interpolate::step};
  rollout.canary.reset();
  rollout.soak = 0;
  rollout.deadline.reset();
  rollout.limits = Limits{};
  return plan;
}

InventoryCluster cluster(const std::string& id, std::size_t nodes) {
  InventoryCluster one;
  one.id = id;
  for (std::size_t i = 1; i <= nodes; ++i)
    one.nodes.push_back({"n" + std::to_string(i), old_release, "rack1", {}, ""});
  return one;
}

ForecastSetup setup() {
  return {utc("2026-11-24T00:00:00Z"), utc("2026-12-24T00:00:00Z"), 20 * minute, 15 * minute, 0, 1};
}

// "eligible/begun/ended" of each passage in minutes after the 25th; "!" after a failure.
std::string passages(const Forecast& forecast) {
  std::string text;
  const auto minutes = [](UnixSeconds time) {
    return time == 0 ? "-" : std::to_string((time - utc("2026-11-25T00:00:00Z")) / minute);
  };
  for (const auto& each : forecast.passages)
    text += (text.empty() ? "" : " ") + minutes(each.eligible) + "/" + minutes(each.begun) + "/" +
            minutes(each.ended) + (each.failed ? "!" : "");
  return text;
}

std::string left(const Forecast& forecast) {
  std::string text;
  for (const auto& [key, group] : forecast.left)
    text += (text.empty() ? "" : " ") + key.second + (group.for_good ? "!" : "") + ":" +
            std::to_string(group.machines) + "/" + std::to_string(group.clusters);
  return text;
}

Forecast forecast_of(const Plan& plan, const Inventory& inventory,
                     const ForecastSetup& how = setup()) {
  auto found = forecast(plan, inventory, how);
  EXPECT_TRUE(found) << found.error().what;
  return *found;
}

TEST(Forecast, OneAfterTheOther) {
  // Installed after 20 minutes; away for 15; the next asks 5 minutes after.
  const auto found = forecast_of(plain_plan(), {cluster("a", 3)});
  EXPECT_EQ(passages(found), "0/20/35 0/40/55 0/60/75");
  EXPECT_EQ(left(found), "");
  EXPECT_EQ(outcome_of(found), ForecastOutcome::all_done);
}

TEST(Forecast, SeveralPlacesAndTwoDomains) {
  auto plan = plain_plan();
  plan.rollouts[0].limits.max_unavailable = 2;
  auto one = cluster("a", 4);
  one.nodes[1].domain = "rack2";
  // n1 and n3 of rack1; then n2 of rack2 alone, as n4 is of rack1; then n4.
  EXPECT_EQ(passages(forecast_of(plan, {one})), "0/20/35 0/40/55 0/20/35 0/60/75");
  plan.rollouts[0].limits.one_domain = false;
  EXPECT_EQ(passages(forecast_of(plan, {one})), "0/20/35 0/20/35 0/40/55 0/40/55");
  one.nodes[0].roles = one.nodes[1].roles = one.nodes[2].roles = {"etcd"};
  EXPECT_EQ(passages(forecast_of(plan, {one})), "0/20/35 0/40/55 0/60/75 0/20/35");
}

TEST(Forecast, WithoutAGateAllGoAtOnce) {
  auto one = cluster("a", 3);
  one.gate = false;
  EXPECT_EQ(passages(forecast_of(plain_plan(), {one})), "0/20/35 0/20/35 0/20/35");
}

TEST(Forecast, ClustersWaitForTheirRamp) {
  auto plan = plain_plan();
  auto& rollout = plan.rollouts[0];
  rollout.salt = "s";
  rollout.ramp.points = {{0, 37'092}, {2 * hour, 216'917}};
  // Buckets 37091, 216916, 269520.
  const auto found = forecast_of(
      plan, {cluster("cluster-1", 1), cluster("cluster-2", 1), cluster("cluster-3", 2)});
  EXPECT_EQ(passages(found), "0/20/35 120/140/155");
  EXPECT_EQ(left(found), "not-in-ramp!:2/1");
  EXPECT_EQ(outcome_of(found), ForecastOutcome::left_over);
  rollout.deadline = day;
  EXPECT_EQ(passages(forecast_of(plan, {cluster("cluster-3", 1)})), "1440/1460/1475");
}

TEST(Forecast, CanariesFirst) {
  auto plan = plain_plan();
  plan.rollouts[0].canary = Canary{{"canary=true"}, hour};
  plan.rollouts[0].soak = day;
  auto canary = cluster("a", 1);
  canary.labels = {"canary=true"};
  EXPECT_EQ(passages(forecast_of(plan, {canary, cluster("b", 1)})), "60/80/95 1500/1520/1535");
}

TEST(Forecast, TheBarrierIsGoneThroughFirst) {
  auto plan = plain_plan();
  plan.releases[0].barrier = true;
  auto first = plan.rollouts[0];
  first.id = "through";
  first.release = barrier_release;
  first.soak = hour;
  plan.rollouts.push_back(first);
  const auto found = forecast_of(plan, {cluster("a", 1)});
  EXPECT_EQ(passages(found), "0/20/35 95/115/130");
  EXPECT_EQ(found.passages[0].rollout, 1U);
  EXPECT_EQ(found.passages[1].rollout, 0U);
  plan.rollouts.pop_back();
  EXPECT_EQ(left(forecast_of(plan, {cluster("a", 2)})), "barrier:2/1");
}

TEST(Forecast, TheFirstFailuresHaltACluster) {
  auto how = setup();
  how.failures = all_units;
  const auto found = forecast_of(plain_plan(), {cluster("a", 4)}, how);
  EXPECT_EQ(passages(found), "0/20/35! 0/40/55! 0/-/- 0/-/-");
  EXPECT_EQ(left(found), "halted!:2/1");
  ASSERT_EQ(found.halted.size(), 1U);
  EXPECT_EQ(format_utc(found.halted[0].at), "2026-11-25T00:55:00Z");
  auto without_gate = cluster("a", 2);
  without_gate.gate = false;
  EXPECT_EQ(passages(forecast_of(plain_plan(), {without_gate}, how)), "0/20/35! 0/20/35!")
      << "denied from then on, and each for itself";
}

// One of twenty failed: too many, which shows when twenty have finished, to who asks next.
TEST(Forecast, ALateHaltByPercent) {
  auto plan = plain_plan();
  auto how = setup();
  how.failures = 20'000;
  for (how.seed = 1; how.seed < 100; ++how.seed) {
    const auto found = forecast_of(plan, {cluster("a", 30)}, how);
    const auto first = std::find_if(found.passages.begin(), found.passages.end(),
                                    [](const Passage& each) { return each.failed; });
    if (found.halted.empty() || first == found.passages.begin() + 19) continue;
    EXPECT_EQ(left(found), "failures!:1/1 halted!:9/1");
    EXPECT_EQ(found.halted[0].at, found.passages[19].ended + 5 * minute);
    return;
  }
  FAIL() << "no seed with one early failure of twenty";
}

TEST(Forecast, ByHardwareOnlyThoseLikeThemWait) {
  auto plan = plain_plan();
  plan.rollouts[0].limits.by_hardware = true;
  plan.rollouts[0].limits.fail_count = 1;
  auto how = setup();
  how.failures = all_units;
  auto one = cluster("a", 4);
  for (std::size_t i = 0; i < 4; ++i) one.nodes[i].hardware = i < 3 ? "R740" : "X10";
  const auto found = forecast_of(plan, {one}, how);
  EXPECT_EQ(passages(found), "0/20/35! 0/-/- 0/-/- 0/40/55!");
  EXPECT_EQ(left(found), "failures!:2/1");
  EXPECT_TRUE(found.halted.empty());
}

TEST(Forecast, WindowsHoldRestartsAndNotDownloads) {
  auto plan = plain_plan();
  // Two machines fit, 40 minutes after the window opens the third does not: 20 are left, and a
  // trial may take 15. The fourth does.
  plan.windows = {{WindowSet{"UTC", {parse_window("Thu 02:00 +1h").value()}, {}}}};
  const auto found = forecast_of(plan, {cluster("a", 4)});
  const auto opens = 26 * 60;
  const auto at = [&](int minutes) { return std::to_string(opens + minutes); };
  EXPECT_EQ(passages(found), "0/" + at(0) + "/" + at(15) + " 0/" + at(20) + "/" + at(35) + " 0/" +
                                 at(40) + "/" + at(55) + " 0/" + at(7 * 1440) + "/" +
                                 at(7 * 1440 + 15));
  auto slow = cluster("a", 1);
  slow.trial_deadline = 2 * hour;
  EXPECT_EQ(left(forecast_of(plan, {slow})), "window-too-short!:1/1");
  plan.windows[0][0].exceptions = {parse_days("2020-01-01..2100-01-01").value()};
  EXPECT_EQ(left(forecast_of(plan, {slow})), "window-never!:1/1");
}

TEST(Forecast, NightsWhenClocksChange) {
  auto plan = plain_plan();
  plan.issued = utc("2026-01-01T00:00:00Z");
  plan.expires = utc("2027-12-01T00:00:00Z");
  plan.windows = {{WindowSet{"local", {parse_window("daily 02:30 +1h").value()}, {}}}};
  auto berlin = cluster("a", 1);
  berlin.time_zone = "Europe/Berlin";
  const auto begun_on = [&](const char* date) {
    plan.rollouts[0].ramp.start = utc(std::string(date) + "T00:00:00Z");
    auto how = setup();
    how.from = plan.rollouts[0].ramp.start;
    how.until = how.from + day;
    return format_utc(forecast_of(plan, {berlin}, how).passages.at(0).begun);
  };
  EXPECT_EQ(begun_on("2027-03-27"), "2027-03-27T01:30:00Z");
  EXPECT_EQ(begun_on("2027-03-28"), "2027-03-28T01:00:00Z") << "02:30 is skipped: 03:00 CEST";
  EXPECT_EQ(begun_on("2027-10-31"), "2027-10-31T00:30:00Z") << "02:30 comes twice: its first";
  auto nowhere = cluster("b", 1);
  nowhere.time_zone = "Europe/Atlantis";
  EXPECT_EQ(forecast(plan, {nowhere}, setup()).error().code, Errc::invalid);
}

TEST(Forecast, WhatThePlanForbids) {
  struct Case {
    const char* left;
    void (*spoil)(Plan&);
  };
  const Case cases[] = {
      {"halted!:1/1", [](Plan& plan) { plan.halt = "fans"; }},
      {"blocked!:1/1",
       [](Plan& plan) {
         plan.blocked.push_back({new_release, "x"});
       }},
      {"min-from!:1/1",
       [](Plan& plan) { plan.releases[1].min_from = Version::parse("2.9.5").value(); }},
      {"not-started:1/1",
       [](Plan& plan) { plan.rollouts[0].ramp.start = utc("2027-01-01T00:00:00Z"); }},
      {"expired!:1/1", [](Plan& plan) { plan.expires = utc("2026-11-24T12:00:00Z"); }},
  };
  for (const auto& one : cases) {
    auto plan = plain_plan();
    one.spoil(plan);
    const auto found = forecast_of(plan, {cluster("a", 1)});
    EXPECT_EQ(left(found), one.left);
    EXPECT_TRUE(found.passages.empty()) << one.left;
  }
  auto newer = cluster("a", 1);
  newer.nodes[0].running = new_release;
  const auto found = forecast_of(plain_plan(), {newer});
  EXPECT_EQ(left(found) + passages(found), "") << "nothing to do";
}

TEST(Forecast, AHaltHoldsAllRolloutsOfACluster) {
  auto plan = plain_plan();
  auto later = plan.rollouts[0];
  later.id = "later";
  later.release = "CUBE_3.2.0_20261120-0000_bbbb2222";
  later.ramp.start += day;
  plan.releases.push_back({ReleaseName::parse(later.release).value(), {}, false, "", ""});
  plan.rollouts.push_back(later);
  auto how = setup();
  how.failures = all_units;
  const auto found = forecast_of(plan, {cluster("a", 3)}, how);
  EXPECT_EQ(passages(found), "0/20/35! 0/40/55! 0/-/- 1440/-/- 1440/-/-");
  EXPECT_EQ(left(found), "halted!:1/1 halted!:3/1");
}

TEST(Forecast, TimeIsUp) {
  auto how = setup();
  how.until = utc("2026-11-25T00:50:00Z");
  const auto found = forecast_of(plain_plan(), {cluster("a", 4)}, how);
  EXPECT_EQ(passages(found), "0/20/35 0/40/- 0/-/- 0/-/-");
  EXPECT_EQ(left(found), "in-line:2/1");
  EXPECT_EQ(outcome_of(found), ForecastOutcome::time_over);
}

TEST(Forecast, LuckComesFromTheSeedAlone) {
  auto how = setup();
  how.failures = 200'000;
  Inventory fleet;
  for (int i = 0; i < 40; ++i) fleet.push_back(cluster("c" + std::to_string(i), 5));
  const auto first = passages(forecast_of(plain_plan(), fleet, how));
  EXPECT_EQ(first, passages(forecast_of(plain_plan(), fleet, how)));
  how.seed = 2;
  EXPECT_NE(first, passages(forecast_of(plain_plan(), fleet, how)));
}

// What `fleet plan --explain` tells of one machine is when the forecast has it begin.
TEST(Forecast, AgreesWithWhatEachMachineIsTold) {
  auto plan = read_plan(good_plan).value();
  plan.windows.clear();
  plan.releases[0].barrier = false;
  const auto windows = PlanWindows::of(plan, TimeZone::utc()).value();
  Inventory fleet;
  for (int i = 0; i < 200; ++i) {
    fleet.push_back(cluster("site-" + std::to_string(i), 1));
    if (i % 7 == 0) fleet.back().labels = {"canary=true"};
  }
  const auto found = forecast_of(plan, fleet);
  ASSERT_EQ(found.passages.size(), fleet.size());
  for (const auto& passage : found.passages) {
    NodeFacts node;
    node.unit = fleet[passage.cluster].id;
    node.labels = fleet[passage.cluster].labels;
    node.running = old_release;
    const auto told = judge(plan, windows, node, setup().from);
    EXPECT_EQ(passage.eligible, told.rollouts[0].eligible) << node.unit;
    EXPECT_TRUE(judge(plan, windows, node, passage.eligible).may_restart());
    EXPECT_FALSE(judge(plan, windows, node, passage.eligible - 1).may_restart());
  }
}

TEST(Forecast, TheReportCountsStepByStep) {
  auto plan = plain_plan();
  auto& rollout = plan.rollouts[0];
  rollout.salt = "s";
  rollout.ramp.points = {{0, 37'092}, {2 * hour, 216'917}, {day, 269'521}};
  rollout.deadline = 2 * day;
  const auto how = setup();
  const auto found = forecast_of(
      plan, {cluster("cluster-1", 2), cluster("cluster-2", 1), cluster("cluster-3", 1)});
  const auto reports = report(plan, how, found);
  ASSERT_EQ(reports.size(), 1U);
  const auto& one = reports[0];
  EXPECT_EQ(one.machines, 4U);
  std::string steps;
  for (const auto& step : one.steps)
    steps += step.what + "@" + std::to_string((step.at - rollout.ramp.start) / hour) + ":" +
             std::to_string(step.counts.eligible) + "," + std::to_string(step.counts.begun) + "," +
             std::to_string(step.counts.done) + " ";
  EXPECT_EQ(steps, "ramp@0:2,2,2 ramp@2:3,3,3 ramp@24:4,4,4 deadline@48:4,4,4 ");
  EXPECT_EQ(format_utc(*one.half_done), "2026-11-25T00:55:00Z");
  EXPECT_EQ(format_utc(one.done->last), "2026-11-26T00:35:00Z");
  EXPECT_EQ(one.curve.size(), 121U);
  EXPECT_EQ(one.curve.front().counts.eligible, 0U);
  EXPECT_EQ(one.curve.back().counts.done, 4U);
}

constexpr const char* good_line =
    R"({"id": "site-7", "labels": ["canary=true"], "running": "CUBE_2.9.0_20260101-0000_aaaa1111",
 "time_zone": "Asia/Taipei", "trial_deadline": "PT20M", "gate": false, "nodes": [
 {"name": "n1", "domain": "rack1", "roles": ["etcd"], "hardware": "R740"},
 {"name": "n2", "running": "CUBE_3.0.0_20260901-0000_aaaa1111"}]})";

std::string line(std::string text = good_line) {
  std::erase(text, '\n');
  return text + "\n";
}

TEST(Inventory, IsReadWhole) {
  const auto read = read_inventory("\n" + line() + "\r\n").value();
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].trial_deadline, 1200);
  EXPECT_FALSE(read[0].gate);
  ASSERT_EQ(read[0].nodes.size(), 2U);
  EXPECT_EQ(read[0].nodes[0].running, old_release);
  EXPECT_EQ(read[0].nodes[1].running, barrier_release);
  EXPECT_EQ(read[0].nodes[0].roles.count("etcd"), 1U);
}

TEST(Inventory, WhatIsWrongIsNamed) {
  struct Case {
    const char *from, *to, *says;
  };
  const Case cases[] = {
      {"\"site-7\"", "\"site 7\"", "line 1: \"id\" is not a safe name"},
      {"\"labels\"", "\"lables\"", "an unknown member \"lables\""},
      {"canary=true", "canary", "labels[0]: no label"},
      {"CUBE_2.9.0_20260101-0000_aaaa1111", "2.9.0", "\"running\" is no name of a release"},
      {"PT20M", "P1M", "\"trial_deadline\""},
      {"\"n2\"", "\"n1\"", "nodes[1]: another one has the same name"},
      {"\"etcd\"", "7", "nodes[0]: roles[0]"},
      {"\"rack1\"", "\"\"", "\"domain\" is not a safe name"},
  };
  for (const auto& one : cases) {
    const auto read = read_inventory(line(spoilt(good_line, one.from, one.to)));
    ASSERT_FALSE(read) << one.to;
    EXPECT_EQ(read.error().code, Errc::corrupt);
    EXPECT_NE(read.error().what.find(one.says), std::string::npos) << read.error().what;
  }
  EXPECT_FALSE(read_inventory(""));
  EXPECT_FALSE(read_inventory(line() + line()));
  EXPECT_FALSE(
      read_inventory(R"({"id":"a","running":"CUBE_2.9.0_20260101-0000_aaaa1111","nodes":[]})"));
  EXPECT_FALSE(read_inventory(R"({"id":"a","nodes":[{"name":"n"}]})"));
}

}  // namespace
}  // namespace cube::fleet
