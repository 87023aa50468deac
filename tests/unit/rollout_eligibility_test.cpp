#include <gtest/gtest.h>

#include <chrono>

#include "model/fleet/eligibility.h"
#include "tests/unit/rollout_plan_text.h"

namespace cube::fleet {
namespace {

// Bucket 306508 in the good plan's rollout.
constexpr const char* some_unit = "6f2b1c2e-58a4-4f0e-9d3a-2f6f0b1a7c11";
constexpr const char* start = "2026-11-25T00:00:00Z";

UnixSeconds utc(const std::string& text) {
  return parse_utc(text).value();
}

// Steps, no canary, no window, no barrier on the way.
Plan plain_plan() {
  auto plan = read_plan(good_plan).value();
  plan.windows.clear();
  plan.releases[0].barrier = false;
  auto& rollout = plan.rollouts[0];
  rollout.ramp.interpolate = Interpolate::step;
  rollout.canary.reset();
  rollout.deadline.reset();
  return plan;
}

NodeFacts machine() {
  NodeFacts node;
  node.unit = some_unit;
  node.running = old_release;
  node.not_before = utc("2026-01-01T00:00:00Z");
  return node;
}

Judgement judged(const Plan& plan, const NodeFacts& node, const std::string& now) {
  return judge(plan, PlanWindows::of(plan, TimeZone::utc()).value(), node, utc(now));
}

std::string words(const std::vector<Reason>& reasons) {
  std::string text;
  for (const auto& reason : reasons)
    text += (text.empty() ? "" : " ") + std::string(reason.word) +
            (reason.until ? "@" + format_utc(*reason.until) : "");
  return text;
}
std::string words(const Judgement& judgement) {
  return words(judgement.reasons) + "|" + words(judgement.rollouts[0].reasons);
}

constexpr const char* in_time = "2026-11-28T00:00:00Z";  // the ramp is at 500000

TEST(RolloutEligibility, NothingSpeaksAgainstIt) {
  const auto found = judged(plain_plan(), machine(), in_time);
  EXPECT_EQ(words(found), "|");
  EXPECT_EQ(found.may_begin(), new_release);
  EXPECT_TRUE(found.may_restart());
  EXPECT_EQ(found.why_not(), "");
  EXPECT_EQ(format_utc(*found.rollouts[0].eligible), in_time);
}

TEST(RolloutEligibility, TheRampSaysWhen) {
  EXPECT_EQ(words(judged(plain_plan(), machine(), "2026-11-27T23:59:59Z")),
            std::string("|not-in-ramp@") + in_time);
  EXPECT_EQ(words(judged(plain_plan(), machine(), "2026-11-24T00:00:00Z")),
            std::string("|not-started@") + start + " not-in-ramp@" + in_time);
  auto plan = plain_plan();
  plan.rollouts[0].ramp.points.resize(2);
  const auto never = judged(plan, machine(), in_time);
  EXPECT_EQ(words(never), "|not-in-ramp");
  EXPECT_EQ(never.outcome(), Holds::until_changed);
  EXPECT_FALSE(never.rollouts[0].eligible);
}

TEST(RolloutEligibility, TheDeadlineEndsTheRampAndNothingElse) {
  auto plan = plain_plan();
  plan.rollouts[0].ramp.points.resize(1);
  plan.rollouts[0].deadline = 2 * 86'400;
  EXPECT_EQ(words(judged(plan, machine(), "2026-11-26T23:59:59Z")),
            "|not-in-ramp@2026-11-27T00:00:00Z");
  const auto forced = judged(plan, machine(), "2026-11-27T00:00:00Z");
  EXPECT_TRUE(forced.may_restart());
  EXPECT_TRUE(forced.rollouts[0].forced);
  plan.halt = "fans";
  plan.blocked.push_back({new_release, "x"});
  EXPECT_EQ(words(judged(plan, machine(), "2026-12-27T00:00:00Z")), "halted|blocked");
}

TEST(RolloutEligibility, CanariesGoFirst) {
  auto plan = plain_plan();
  plan.rollouts[0].canary = Canary{{"canary=true", "site=a"}, 3600};
  plan.rollouts[0].soak = 4 * 86'400;
  EXPECT_EQ(words(judged(plan, machine(), in_time)), "|canary@2026-11-29T01:00:00Z");
  EXPECT_TRUE(judged(plan, machine(), "2026-11-29T01:00:00Z").may_restart());
  auto canary = machine();
  canary.labels = {"site=a", "rack=2"};
  EXPECT_EQ(words(judged(plan, canary, in_time)), "|canary@2026-11-29T01:00:00Z") << "all labels";
  canary.labels.emplace_back("canary=true");
  EXPECT_EQ(words(judged(plan, canary, "2026-11-25T00:59:59Z")),
            "|not-started@2026-11-25T01:00:00Z");
  EXPECT_TRUE(judged(plan, canary, "2026-11-25T01:00:00Z").may_restart());
}

TEST(RolloutEligibility, TheWayThere) {
  auto plan = plain_plan();
  auto node = machine();
  plan.releases[1].min_from = Version::parse("2.9.1").value();
  EXPECT_EQ(words(judged(plan, node, in_time)), "|min-from");
  node.running = "CUBE_2.9.1_20260101-0000_aaaa1111";
  EXPECT_EQ(words(judged(plan, node, in_time)), "|");
  plan.releases[0].barrier = true;
  EXPECT_EQ(words(judged(plan, node, in_time)), "|barrier");
  node.running = barrier_release;
  EXPECT_EQ(words(judged(plan, node, in_time)), "|");
  plan.releases[0].dead_end = "other disks";
  EXPECT_EQ(words(judged(plan, node, in_time)), "dead-end|");
  EXPECT_EQ(judged(plan, node, in_time).may_begin(), "");
  node.running = new_release;
  const auto done = judged(plan, node, in_time);
  EXPECT_EQ(words(done), "|runs-already");
  EXPECT_EQ(done.outcome(), Holds::nothing_to_do);
  node.running = "CUBE_4.0_20270101-0000_eeee5555";
  EXPECT_EQ(words(judged(plan, node, in_time)), "|not-newer");
  node.running = "";
  EXPECT_EQ(words(judged(plan, node, in_time)), "running-unknown|");
}

TEST(RolloutEligibility, TheBarrierItselfIsTaken) {
  auto plan = plain_plan();
  plan.releases[0].barrier = true;
  auto first = plan.rollouts[0];
  first.id = "first";
  first.release = barrier_release;
  plan.rollouts.push_back(first);
  auto node = machine();
  EXPECT_EQ(judged(plan, node, in_time).may_begin(), barrier_release);
  node.running = barrier_release;
  node.running_since = utc(in_time) - 3600;
  EXPECT_EQ(words(judged(plan, node, in_time)), "soak@2026-11-28T23:00:00Z|") << "PT24H";
  node.running_since -= 86'400;
  EXPECT_EQ(judged(plan, node, in_time).may_begin(), new_release);
}

TEST(RolloutEligibility, Bans) {
  auto node = machine();
  auto plan = plain_plan();
  plan.blocked.push_back({new_release, "melts"});
  plan.pin = Version::parse("3.0.9").value();
  node.denied = {new_release};
  node.failed[new_release] = 3;
  const auto found = judged(plan, node, in_time);
  EXPECT_EQ(words(found), "|blocked pinned denied attempts");
  EXPECT_EQ(found.outcome(), Holds::until_changed);
  node.failed[new_release] = 2;
  plan.pin = Version::parse("3.1.0").value();
  EXPECT_EQ(words(judged(plan, node, in_time)), "|blocked denied");
}

TEST(RolloutEligibility, ThePlanItself) {
  auto plan = plain_plan();
  EXPECT_EQ(words(judged(plan, machine(), "2027-02-20T23:59:59Z")), "|");
  EXPECT_EQ(words(judged(plan, machine(), "2027-02-21T00:00:00Z")), "expired|");
  plan.issued = utc("2026-11-30T00:00:00Z");
  const auto early = judged(plan, machine(), in_time);
  EXPECT_EQ(words(early), "not-issued@2026-11-30T00:00:00Z|");
  EXPECT_EQ(early.outcome(), Holds::until_later);
  auto node = machine();
  node.not_before = utc("2026-11-28T00:00:01Z");
  EXPECT_EQ(words(judged(plain_plan(), node, in_time)), "clock|");
  node.not_before = utc("2027-03-01T00:00:00Z");
  EXPECT_EQ(words(judged(plain_plan(), node, in_time)), "expired clock|")
      << "a clock set back does not revive it";
  plan = plain_plan();
  plan.rollouts.clear();
  const auto none = judge(plan, {}, machine(), utc(in_time));
  EXPECT_EQ(words(none.reasons), "no-rollout");
  EXPECT_EQ(none.outcome(), Holds::nothing_to_do);
}

TEST(RolloutEligibility, WindowsHoldTheRestartAlone) {
  auto plan = plain_plan();
  // Saturdays from 01:00 to 06:00 in Taipei, and from 19:00 to 23:00 UTC on Fridays here.
  plan.windows = {{{"Asia/Taipei", {parse_window("Sat 01:00 +5h").value()}, {}}},
                  {{"UTC", {parse_window("Fri 19:00 +4h").value()}, {}}}};
  const auto closed = judged(plan, machine(), in_time);  // a Saturday
  EXPECT_EQ(words(closed), "window-closed@2026-12-04T19:00:00Z|");
  EXPECT_EQ(closed.may_begin(), new_release);
  EXPECT_FALSE(closed.may_restart());
  EXPECT_EQ(closed.outcome(), Holds::until_later);
  EXPECT_EQ(words(judged(plan, machine(), "2026-12-04T18:59:59Z")),
            "window-closed@2026-12-04T19:00:00Z|");
  EXPECT_TRUE(judged(plan, machine(), "2026-12-04T19:00:00Z").may_restart());
  EXPECT_TRUE(judged(plan, machine(), "2026-12-04T21:45:00Z").may_restart());
  EXPECT_EQ(words(judged(plan, machine(), "2026-12-04T21:45:01Z")),
            "window-too-short@2026-12-11T19:00:00Z|");
  EXPECT_EQ(words(judged(plan, machine(), "2026-12-04T22:00:00Z")),
            "window-closed@2026-12-11T19:00:00Z|");
  auto slow = machine();
  slow.restart_takes = 3 * 3600 + 1;
  EXPECT_EQ(words(judged(plan, slow, in_time)), "window-too-short|");
  plan.windows[1][0].rules = {parse_window("Wed 19:00 +4h").value()};
  const auto never = judged(plan, machine(), in_time);
  EXPECT_EQ(words(never), "window-never|");
  EXPECT_EQ(never.outcome(), Holds::until_changed);
}

// Whatever else holds: as time goes on, the share of units that may begin never falls, all agree
// with the time that they were told, and the parts of a million are about what the ramp says.
TEST(RolloutEligibility, AHundredThousandUnits) {
  constexpr int units = 100'000;
  const auto plan = plain_plan();
  const auto windows = PlanWindows::of(plan, TimeZone::utc()).value();
  auto node = machine();
  const auto began = std::chrono::steady_clock::now();
  int eligible = 0;
  for (int i = 0; i < units; ++i) {
    node.unit = "cluster-" + std::to_string(i);
    eligible += judge(plan, windows, node, utc(in_time)).chosen.has_value();
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - began);
  std::cout << "100,000 units judged in " << took.count() << " ms\n";
  RecordProperty("milliseconds", static_cast<int>(took.count()));
  EXPECT_NEAR(eligible, units / 2, 800);
  for (int i = 0; i < 300; ++i) {
    node.unit = "cluster-" + std::to_string(i);
    const auto when = judge(plan, windows, node, utc(start)).rollouts[0].eligible;
    ASSERT_TRUE(when);
    bool before = false;
    for (auto now = utc(start) - 3600; now < utc(start) + 6 * 86'400; now += 3600) {
      const bool may = judge(plan, windows, node, now).chosen.has_value();
      ASSERT_EQ(may, now >= *when) << node.unit << " " << format_utc(now);
      ASSERT_TRUE(may || !before);
      before = may;
    }
  }
}

// A second opinion, written the other way round: from the words to the answer.
TEST(RolloutEligibility, TheAnswerIsWhatTheReasonsSay) {
  for (unsigned bits = 0; bits < 512; ++bits) {
    auto plan = plain_plan();
    auto node = machine();
    if (bits & 1) plan.halt = "x";
    if (bits & 2) plan.expires = utc(in_time);
    if (bits & 4) plan.blocked.push_back({new_release, "x"});
    if (bits & 8) node.denied = {new_release};
    if (bits & 16) node.failed[new_release] = 3;
    if (bits & 32) plan.releases[0].barrier = true;
    if (bits & 64) plan.rollouts[0].ramp.points.resize(1);
    if (bits & 128) plan.pin = Version::parse("3.0").value();
    if (bits & 256) plan.windows = {{{"UTC", {parse_window("Sun 02:00 +1h").value()}, {}}}};
    const auto found = judged(plan, node, in_time);
    EXPECT_EQ(found.chosen.has_value(), (bits & 255) == 0) << bits;
    EXPECT_EQ(found.may_restart(), bits == 0) << bits;
    EXPECT_EQ(found.why_not().empty(), bits == 0) << bits;
    EXPECT_EQ(found.reasons.size() + found.rollouts[0].reasons.size(),
              static_cast<std::size_t>(__builtin_popcount(bits)))
        << bits;
  }
}

}  // namespace
}  // namespace cube::fleet
