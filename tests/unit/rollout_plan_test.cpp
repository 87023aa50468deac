#include <gtest/gtest.h>

#include <functional>

#include "model/fleet/plan.h"
#include "tests/unit/rollout_plan_text.h"

namespace cube::fleet {
namespace {

constexpr const char* good_site = R"({"schema": 1, "serial": 7, "issued": "2026-11-01T00:00:00Z",
  "expires": "2027-01-01T00:00:00Z", "pin": "3.0.9", "limits": {"max_unavailable": 1},
  "halt": {"reason": "stocktaking"},
  "blocked": [{"name": "CUBE_3.0.5_20261001-0000_cccc3333", "reason": "no driver for our cards"}],
  "windows": [{"time_zone": "local", "open": ["Sun 02:00 +4h"]}]})";

std::string with(const std::string& from, const std::string& to) {
  return spoilt(good_plan, from, to);
}

void expect_refused(const std::string& text, const std::string& because) {
  const auto plan = read_plan(text);
  ASSERT_FALSE(plan) << "accepted: " << because;
  EXPECT_EQ(plan.error().code, Errc::corrupt);
  EXPECT_NE(plan.error().what.find(because), std::string::npos) << plan.error().what;
}

std::string many(std::size_t count, const std::function<std::string(std::size_t)>& one) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "" : ",") + one(i);
  return text;
}

TEST(RolloutPlan, AllMembersAreRead) {
  const auto plan = read_plan(good_plan);
  ASSERT_TRUE(plan) << plan.error().what;
  EXPECT_EQ(plan->serial, 412u);
  EXPECT_EQ(plan->channel, "stable");
  EXPECT_EQ(format_utc(plan->issued), "2026-11-23T00:00:00Z");
  EXPECT_EQ(format_utc(plan->expires), "2027-02-21T00:00:00Z");
  EXPECT_FALSE(plan->halt);
  ASSERT_EQ(plan->releases.size(), 3u);
  EXPECT_TRUE(plan->releases[0].barrier);
  EXPECT_EQ(plan->releases[0].etcd_minor, "3.5");
  EXPECT_EQ(plan->releases[1].min_from->text(), "2.9.0");
  EXPECT_EQ(plan->releases[2].dead_end, "its disks have another layout");
  EXPECT_EQ(find_blocked(*plan, "CUBE_3.0.4_20261001-0000_cccc3333")->reason, "loses the bond");
  ASSERT_EQ(plan->rollouts.size(), 1u);
  const auto& rollout = plan->rollouts[0];
  EXPECT_EQ(rollout.ramp.points[2], (RampPoint{259'200, 500'000}));
  EXPECT_EQ(rollout.ramp.interpolate, Interpolate::linear);
  EXPECT_EQ(rollout.canary->labels, std::vector<std::string>{"canary=true"});
  EXPECT_EQ(rollout.canary->after, 3600);
  EXPECT_EQ(rollout.soak, 86'400);
  EXPECT_EQ(rollout.deadline, 21 * 86'400);
  EXPECT_EQ(rollout.attempts, 3u);
  EXPECT_EQ(rollout.limits, (Limits{4, false, 3, 6, 21, false, 4800}));
  ASSERT_EQ(plan->windows.size(), 1u);
  EXPECT_EQ(plan->windows[0][0].time_zone, "Asia/Taipei");
  EXPECT_EQ(plan->windows[0][0].exceptions.size(), 1u);
}

TEST(RolloutPlan, WhatNeedNotBeSaid) {
  const auto plan = read_plan(R"({"schema": 1, "serial": 1, "issued": "2026-11-23T00:00:00Z",
    "expires": "2027-02-21T00:00:00Z", "releases": [], "rollouts": []})");
  ASSERT_TRUE(plan) << plan.error().what;
  EXPECT_TRUE(plan->windows.empty());
}

TEST(RolloutPlan, EachLieIsNamed) {
  const std::pair<std::string, std::string> lies[][2] = {
      {{R"("schema": 1)", R"("schema": 2)"}, {"", "schema 2 is not known"}},
      {{R"("serial": 412)", R"("serial": 0)"}, {"", "\"serial\""}},
      {{R"("serial": 412)", R"("serial": 9007199254740992)"}, {"", "\"serial\""}},
      {{R"("serial": 412)", R"("serial": -1)"}, {"", "serial"}},
      {{R"("serial": 412,)", ""}, {"", "no member \"serial\""}},
      {{R"("serial": 412)", R"("serial": 412, "serial": 413)"}, {"", "duplicate key"}},
      {{R"("serial": 412)", R"("serial": 412, "sereal": 413)"}, {"", "unknown member \"sereal\""}},
      {{"2026-11-23T00:00:00Z", "2026-11-23"}, {"", "\"issued\""}},
      {{"2026-11-23T00:00:00Z", "2028-11-23T00:00:00Z"}, {"", "expires before it is issued"}},
      {{R"("channel": "stable")", R"("channel": "../x")"}, {"", "\"channel\""}},
      {{R"("channel": "stable")", R"("halt": null)"}, {"", "halt"}},
      {{R"("channel": "stable")", R"("halt": {"reason": "a\nb"})"}, {"", "control character"}},
      {{R"("channel": "stable")", R"("halt": {"reason": ""})"}, {"", "reason"}},
      {{R"("min_from": "2.9.0")", R"("min_from": "3.1")"}, {"", "min_from"}},
      {{R"("min_from": "2.9.0")", R"("min_from": "x")"}, {"", "releases[1]"}},
      {{R"("barrier": true)", R"("barrier": 1)"}, {"", "\"barrier\""}},
      {{R"("etcd_minor": "3.5")", R"("etcd_minor": "3.5.1")"}, {"", "etcd_minor"}},
      {{"CUBE_3.0.0_20260901-0000_aaaa1111", new_release}, {"", "is there twice"}},
      {{"CUBE_3.0.4_20261001-0000_cccc3333", "nothing"}, {"", "blocked[0]"}},
      {{R"("id": "fw-3.1.0-a")", R"("id": "a b")"}, {"", "rollouts[0]: \"id\""}},
      {{R"("salt": "fw-3.1.0-a")", R"("salt": "")"}, {"", "\"salt\""}},
      {{R"("release": "CUBE_3.1.0)", R"("release": "CUBE_3.1.1)"}, {"", "none of the plan's"}},
      {{R"("min_from": "2.9.0")", R"("dead_end": "x")"}, {"", "is a dead end"}},
      {{R"("after": "P3D", "ppm": 500000)", R"("after": "P1D", "ppm": 500000)"},
       {"", "out of order"}},
      {{R"("after": "P3D", "ppm": 500000)", R"("after": "P3D", "ppm": 99999)"},
       {"", "ramp[2]: the ramp is out of order"}},
      {{R"("ppm": 1000000)", R"("ppm": 1000001)"}, {"", "\"ppm\""}},
      {{R"("after": "P5D")", R"("after": "5 days")"}, {"", "is no duration"}},
      {{R"("after": "P5D")", R"("after": 432000)"}, {"", "after"}},
      {{R"("interpolate": "linear")", R"("interpolate": "cubic")"}, {"", "interpolate"}},
      {{R"(["canary=true"])", "[]"}, {"", "\"labels\" is empty"}},
      {{R"(["canary=true"])", R"(["canary"])"}, {"", "labels[0]"}},
      {{R"("deadline": "P21D")", R"("deadline": "PT0S")"}, {"", "deadline"}},
      {{R"("attempts": 3)", R"("attempts": 0)"}, {"", "attempts"}},
      {{R"("max_unavailable": 4)", R"("max_unavailable": 0)"}, {"", "max_unavailable"}},
      {{R"("hold_deadline": "PT80M")", R"("hold_deadline": "PT9M")"}, {"", "hold_deadline"}},
      {{R"("fail_percent": 6)", R"("fail_percent": 101)"}, {"", "\"limits\": \"fail_percent\""}},
      {{R"("fail_percent": 6)", R"("fail_ratio": 6)"}, {"", "fail_ratio"}},
      {{"Asia/Taipei", "../../etc/passwd"}, {"", "time_zone"}},
      {{"1st,3rd Sat 01:00 +5h", "Sat 1:00"}, {"", "open[0]"}},
      {{"2026-12-26\"]", "2026-13-26\"]"}, {"", "except[0]"}},
      {{R"(["1st,3rd Sat 01:00 +5h"])", "[]"}, {"", "never opens"}},
  };
  for (const auto& lie : lies) expect_refused(with(lie[0].first, lie[0].second), lie[1].second);
  expect_refused("", "plan");
  expect_refused("[]", "plan");
  expect_refused(std::string(good_plan) + " x", "plan");
}

TEST(RolloutPlan, EveryBoundHasAnEnd) {
  const auto blocked = [](std::size_t count) {
    return with(R"({"name": "CUBE_3.0.4_20261001-0000_cccc3333", "reason": "loses the bond"})",
                many(count, [](std::size_t i) {
                  return R"({"name": "CUBE_9.)" + std::to_string(i) +
                         R"(_20261001-0000_cccc", "reason": "x"})";
                }));
  };
  EXPECT_TRUE(read_plan(blocked(max_blocked)));
  expect_refused(blocked(max_blocked + 1), "\"blocked\" has more than 256");
  const auto points = [](std::size_t count) {
    return with(R"({"after": "PT0S", "ppm": 10000}, {"after": "P1D", "ppm": 100000},
              {"after": "P3D", "ppm": 500000}, {"after": "P5D", "ppm": 1000000})",
                many(count, [](std::size_t i) {
                  return R"({"after": "PT)" + std::to_string(i) + R"(S", "ppm": )" +
                         std::to_string(i) + "}";
                }));
  };
  EXPECT_TRUE(read_plan(points(max_ramp_points)));
  expect_refused(points(max_ramp_points + 1), "\"ramp\" has more than 32");
  expect_refused(points(0), "\"ramp\" is empty");
  expect_refused(with("loses the bond", std::string(max_text + 1, 'x')), "200 bytes");
  expect_refused(std::string(good_plan) + std::string(max_plan_bytes, ' '), "plan");
  expect_refused(with("[\"2026-12-26\"]", std::string(20, '[') + std::string(20, ']')), "plan");
}

TEST(RolloutPlan, EveryTruncationIsRefused) {
  const std::string whole = good_plan;
  for (std::size_t length = 0; length < whole.size(); ++length)
    ASSERT_FALSE(read_plan(whole.substr(0, length))) << length;
}

TEST(RolloutSitePlan, ItOnlyNarrows) {
  const auto site = read_site_plan(good_site);
  ASSERT_TRUE(site) << site.error().what;
  const auto both = narrow(read_plan(good_plan).value(), *site);
  ASSERT_TRUE(both) << both.error().what;
  EXPECT_EQ(both->serial, 412u);
  EXPECT_EQ(format_utc(both->expires), "2027-01-01T00:00:00Z");
  EXPECT_EQ(both->halt, "at this site: stocktaking");
  EXPECT_EQ(both->blocked.size(), 2u);
  EXPECT_EQ(both->pin->text(), "3.0.9");
  EXPECT_EQ(both->windows.size(), 2u) << "both must be open";
  EXPECT_EQ(both->rollouts[0].limits, (Limits{1, false, 3, 6, 21, false, 4800}));
}

TEST(RolloutSitePlan, WhateverWouldWidenIsAnErrorThatNamesIt) {
  const std::pair<const char*, const char*> wider[] = {
      {R"("max_unavailable": 5)", "max_unavailable"},
      {R"("fail_count": 4)", "fail_count"},
      {R"("fail_percent": 7)", "fail_percent"},
      {R"("fail_min_sample": 22)", "fail_min_sample"},
      {R"("hold_deadline": "PT81M")", "hold_deadline"},
      {R"("by_hardware": true)", "by_hardware"}};
  for (const auto& [limit, name] : wider) {
    const auto site = read_site_plan(spoilt(good_site, R"("max_unavailable": 1)", limit));
    ASSERT_TRUE(site) << site.error().what;
    const auto both = narrow(read_plan(good_plan).value(), *site);
    ASSERT_FALSE(both) << limit;
    EXPECT_EQ(both.error().code, Errc::refused);
    EXPECT_NE(both.error().what.find(name), std::string::npos) << both.error().what;
  }
  const auto any_domain =
      read_site_plan(spoilt(good_site, R"("max_unavailable": 1)", R"("one_domain": false)"));
  EXPECT_TRUE(narrow(read_plan(good_plan).value(), *any_domain)) << "the plan says so itself";
  EXPECT_FALSE(narrow(read_plan(with(R"("one_domain": false)", R"("one_domain": true)")).value(),
                      *any_domain));
  for (const char* member : {"rollouts", "releases"}) {
    const auto site = read_site_plan(
        spoilt(good_site, R"("pin")", "\"" + std::string(member) + R"(": [], "pin")"));
    ASSERT_FALSE(site);
    EXPECT_NE(site.error().what.find("only narrows"), std::string::npos) << site.error().what;
  }
  EXPECT_FALSE(read_site_plan(spoilt(good_site, R"("pin": "3.0.9")", R"("channel": "x")")));
}

}  // namespace
}  // namespace cube::fleet
