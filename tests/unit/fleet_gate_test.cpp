// Rules of the gate, exhaustively where they are few.
#include "model/fleet/gate.h"

#include <gtest/gtest.h>

#include "model/fleet/gate_entries.h"
#include "model/fleet/order.h"

namespace cube::fleet {
namespace {

Candidate candidate(const std::string& node = "n1") {
  Candidate me;
  me.node = node;
  me.rollout = "r1";
  me.release = "CUBE_2.0.0_20261101-1200_abcd";
  me.domain = "rack1";
  me.nonce = "mine-1";
  me.plan = {5, std::string(64, 'a')};
  return me;
}

Holder holder(const std::string& node, const std::string& domain = "rack1",
              std::set<std::string> roles = {}) {
  return {node, "r1", domain, std::move(roles), "of-" + node, 1000, 7};
}

Failure failure(const std::string& node, const std::string& hardware = "", bool canary = false) {
  return {"r1", node, "CUBE_2.0.0_20261101-1200_abcd", "panic", "mount-failed", hardware, canary};
}

Limits wide() {
  Limits limits;
  limits.max_unavailable = 3;
  limits.fail_count = 2;
  return limits;
}

std::string word(const GateFacts& facts, const Candidate& me = candidate(),
                 const Limits& limits = wide()) {
  const auto verdict = decide_gate(facts, me, limits);
  if (verdict.answer == Answer::mine) return "mine";
  if (verdict.answer == Answer::may_take) return "may take";
  EXPECT_FALSE(verdict.why.empty());
  return verdict.word;
}

TEST(FleetGate, AnEmptyGateLetsIn) {
  EXPECT_EQ(word({}), "may take");
}

TEST(FleetGate, EveryKeyThatStopsHasItsWord) {
  GateFacts halted, paused, blocked, other_blocked, newer, older, same, unreadable;
  halted.halt = Notice{"it hurt", "n9", 1};
  paused.pause = Notice{"audit", "anna", 1};
  blocked.blocked[candidate().release] = "CVE";
  other_blocked.blocked["CUBE_1.0.0_20261101-1200_abc"] = "CVE";
  newer.plan = PlanMark{6, std::string(64, 'a')};
  older.plan = PlanMark{4, std::string(64, 'b')};
  same.plan = PlanMark{5, std::string(64, 'b')};
  unreadable.unreadable = {"holder/x: nonsense"};
  EXPECT_EQ(word(halted), "halted");
  EXPECT_EQ(word(paused), "paused");
  EXPECT_EQ(word(blocked), "blocked");
  EXPECT_EQ(word(other_blocked), "may take");
  EXPECT_EQ(word(newer), "old-plan");
  EXPECT_EQ(word(older), "may take");
  EXPECT_EQ(word(same), "other-plan");
  EXPECT_EQ(word(unreadable), "unreadable");
}

TEST(FleetGate, NoMoreThanTheLimitAreAway) {
  for (std::uint32_t most = 1; most <= 4; ++most)
    for (std::uint32_t held = 0; held <= 5; ++held) {
      GateFacts facts;
      for (std::uint32_t i = 0; i < held; ++i)
        facts.holders.push_back(holder("h" + std::to_string(i)));
      Limits limits = wide();
      limits.max_unavailable = most;
      EXPECT_EQ(word(facts, candidate(), limits), held < most ? "may take" : "busy");
      limits.max_unavailable = 1000;  // the cluster's operators may only narrow
      facts.policy.max_unavailable = most;
      EXPECT_EQ(word(facts, candidate(), limits), held < most ? "may take" : "busy");
      std::swap(limits.max_unavailable, *facts.policy.max_unavailable);
      EXPECT_EQ(word(facts, candidate(), limits), held < most ? "may take" : "busy");
    }
}

TEST(FleetGate, OneFailureDomainAtATime) {
  const auto with = [](const std::string& theirs, const std::string& ours, bool one_domain) {
    GateFacts facts;
    facts.holders = {holder("h1", theirs)};
    auto me = candidate();
    me.domain = ours;
    Limits limits = wide();
    limits.one_domain = one_domain;
    return word(facts, me, limits);
  };
  EXPECT_EQ(with("rack1", "rack1", true), "may take");
  EXPECT_EQ(with("rack1", "rack2", true), "domain");
  EXPECT_EQ(with("rack1", "rack2", false), "may take");
  // Who does not say where it stands shares a domain with nobody.
  EXPECT_EQ(with("", "", true), "domain");
  EXPECT_EQ(with("rack1", "", true), "domain");
  EXPECT_EQ(with("", "rack1", true), "domain");
}

TEST(FleetGate, NeverTwoMembersOfAQuorum) {
  GateFacts facts;
  facts.holders = {holder("h1", "rack1", {"etcd", "ceph-mon"})};
  auto me = candidate();
  EXPECT_EQ(word(facts, me), "may take");
  me.roles = {"galera"};
  EXPECT_EQ(word(facts, me), "may take");
  me.roles = {"galera", "ceph-mon"};
  EXPECT_EQ(word(facts, me), "quorum");
}

TEST(FleetGate, WhatIsMineIsMineWhateverElseStands) {
  GateFacts facts;
  facts.holders = {holder("n1")};
  facts.holders[0].nonce = "mine-1";
  facts.halt = Notice{"it hurt", "", 1};
  const auto verdict = decide_gate(facts, candidate(), wide());
  EXPECT_EQ(verdict.answer, Answer::mine);
  EXPECT_EQ(verdict.created, 7);
  // But nobody leaves when the cluster was halted meanwhile.
  EXPECT_EQ(must_turn_back(facts, candidate(), 7).substr(0, 6), "halted");
  facts.halt.reset();
  EXPECT_EQ(must_turn_back(facts, candidate(), 7), "");
  EXPECT_NE(must_turn_back(facts, candidate(), 8), "");
  facts.holders[0].nonce = "another-1";
  EXPECT_EQ(word(facts), "other-holder");
  EXPECT_NE(must_turn_back(facts, candidate(), 7), "");
  facts.holders.clear();
  EXPECT_NE(must_turn_back(facts, candidate(), 7), "");
}

TEST(FleetGate, FailuresStopARollout) {
  GateFacts facts;
  facts.failures = {failure("f1")};
  EXPECT_EQ(word(facts), "may take");
  EXPECT_EQ(reason_to_halt(facts, "r1", wide(), 0), "");
  facts.failures.push_back(failure("f2"));
  EXPECT_EQ(word(facts), "failures");
  EXPECT_NE(reason_to_halt(facts, "r1", wide(), 0), "");
  EXPECT_EQ(reason_to_halt(facts, "r2", wide(), 0), "");
  auto another = candidate();
  another.rollout = "r2";
  EXPECT_EQ(word(facts, another), "may take");
  EXPECT_EQ(word(facts, candidate("f1")), "failed-here");
  facts.failures = {failure("f1", "", true)};
  EXPECT_EQ(word(facts), "failures");  // a canary is there to be believed
  EXPECT_NE(reason_to_halt(facts, "r1", wide(), 0), "");
}

TEST(FleetGate, APercentageNeedsASample) {
  Limits limits = wide();
  limits.fail_count = 1000;
  limits.fail_percent = 5;
  limits.fail_min_sample = 20;
  GateFacts facts;
  facts.failures = {failure("f1")};
  for (std::uint64_t succeeded = 0; succeeded < 60; ++succeeded) {
    auto me = candidate();
    me.finished = succeeded;
    const auto finished = succeeded + 1;
    const bool stops = finished >= 20 && 100 >= 5 * finished;
    EXPECT_EQ(word(facts, me, limits), stops ? "failures" : "may take") << succeeded;
    EXPECT_EQ(reason_to_halt(facts, "r1", limits, succeeded).empty(), !stops);
  }
}

TEST(FleetGate, FailuresMayCountByHardware) {
  Limits limits = wide();
  limits.by_hardware = true;
  GateFacts facts;
  facts.failures = {failure("f1", "hba-1"), failure("f2", "hba-1"), failure("f3", "hba-2")};
  auto me = candidate();
  me.hardware = "hba-1";
  EXPECT_EQ(word(facts, me, limits), "failures");
  me.hardware = "hba-2";
  EXPECT_EQ(word(facts, me, limits), "may take");
  me.hardware = "";  // what is not known may be the same
  EXPECT_EQ(word(facts, me, limits), "failures");
  EXPECT_EQ(reason_to_halt(facts, "r1", limits, 0), "");
}

TEST(FleetGate, BrokenRulesAreSeen) {
  GateFacts facts;
  facts.holders = {holder("a"), holder("b"), holder("c")};
  EXPECT_EQ(broken_rule(facts, wide()), "");
  facts.holders.push_back(holder("d"));
  EXPECT_NE(broken_rule(facts, wide()), "");
  facts.holders = {holder("a"), holder("b", "rack2")};
  EXPECT_NE(broken_rule(facts, wide()), "");
  facts.holders = {holder("a", "rack1", {"etcd"}), holder("b", "rack1", {"etcd"})};
  EXPECT_NE(broken_rule(facts, wide()), "");
}

// ---- as keys and values

GateFacts taken(const std::string& name, const std::string& value) {
  GateFacts facts;
  take_gate_entry(facts, name, value, 9);
  return facts;
}

const char* const wanted = "CUBE_2.0.0_20261101-1200_abcd";
const char* const older = "CUBE_1.0.0_20260101-1200_abcd";
const char* const newer = "CUBE_3.0.0_20270101-1200_abcd";

TEST(FleetOrder, LowerOnesGoFirst) {
  const InOrder mine{5};
  const auto after = [&](Fellow fellow, const GateFacts& facts = {}) {
    return goes_after({std::move(fellow)}, facts, candidate(), mine);
  };
  EXPECT_EQ(after({"n2", 4, older, {}}), "n2 goes first, by fleet.order");
  EXPECT_EQ(after({"n2", 0, older, {}}), "n2, a canary, goes first");
  EXPECT_EQ(after({"n2", 5, older, {}}), "");
  EXPECT_EQ(after({"n2", 6, older, {}}), "");
  EXPECT_NE(after({"n2", 4, "", {}}), "") << "what it runs is not known";
  EXPECT_EQ(after({"n2", 4, wanted, {}}), "");
  EXPECT_EQ(after({"n2", 4, newer, {}}), "") << "it will never run this one";
  EXPECT_EQ(after({"n1", 4, older, {}}), "") << "what this machine showed of itself";
  GateFacts facts;
  facts.failures = {failure("n2")};
  EXPECT_EQ(after({"n2", 4, older, {}}, facts), "") << "limits and halts see to that";
  facts.failures.front().rollout = "r0";
  EXPECT_NE(after({"n2", 4, older, {}}, facts), "");
  facts.failures.clear();
  facts.holders = {holder("n2")};
  EXPECT_NE(after({"n2", 4, wanted, {}}, facts), "") << "it is in its trial";
}

TEST(FleetOrder, TheStoresLeaderGoesAfterItsOtherMembers) {
  auto me = candidate();
  const std::vector<Fellow> fellows{{"n2", 5, older, {"etcd"}}, {"n3", 5, older, {}}};
  InOrder mine{5, true, false};
  EXPECT_EQ(goes_after(fellows, {}, me, mine), "") << "it runs no member";
  me.roles = {"etcd", "ceph-mon"};
  EXPECT_NE(goes_after(fellows, {}, me, mine).find("n2 is still to come"), std::string::npos);
  EXPECT_EQ(goes_after({{"n2", 5, wanted, {"etcd"}}, fellows[1]}, {}, me, mine), "");
  mine.leads_store = false;
  EXPECT_EQ(goes_after(fellows, {}, me, mine), "");
}

TEST(FleetOrder, WhereThereIsNoWayBackTheLastMemberGoesAfterAll) {
  auto me = candidate();
  me.roles = {"etcd"};
  const InOrder mine{5, false, true};
  EXPECT_EQ(goes_after({{"n2", 5, older, {"etcd"}}, {"n3", 5, older, {}}}, {}, me, mine), "")
      << "another member is still to come";
  EXPECT_NE(goes_after({{"n2", 5, wanted, {"etcd"}}, {"n3", 5, older, {}}}, {}, me, mine)
                .find("n3 is still to come"),
            std::string::npos);
  EXPECT_EQ(goes_after({{"n2", 5, wanted, {"etcd"}}, {"n3", 5, wanted, {}}}, {}, me, mine), "");
  me.roles.clear();
  EXPECT_EQ(goes_after({{"n2", 5, wanted, {"etcd"}}, {"n3", 5, older, {}}}, {}, me, mine), "");
}

TEST(FleetGateEntries, WhatIsWrittenIsRead) {
  auto one = holder("n1", "rack1", {"etcd", "galera"});
  one.created = 9;
  EXPECT_EQ(taken(holder_name("n1"), render(one)).holders, std::vector{one});
  const auto fail = failure("n2", "hba-1", true);
  EXPECT_EQ(taken(failure_name("r1", "n2"), render(fail)).failures, std::vector{fail});
  const Notice notice{"it hurt", "n9", 12};
  EXPECT_EQ(taken(halt_name, render(notice)).halt, notice);
  EXPECT_EQ(taken(pause_name, render(notice)).pause, notice);
  EXPECT_EQ(taken(blocked_name("CUBE_1"), render(notice)).blocked.at("CUBE_1"), "it hurt");
  const PlanMark mark{12, std::string(64, 'c')};
  EXPECT_EQ(taken(plan_name, render(mark)).plan, mark);
  LimitsWish wish;
  wish.max_unavailable = 3;
  wish.one_domain = false;
  wish.hold_deadline = 2700;
  EXPECT_EQ(taken(policy_name, render(wish)).policy, wish);
}

TEST(FleetGateEntries, TextsOfOthersAreCutAndPrintable) {
  const Notice notice{std::string(500, 'x') + "\n", "a\nb", 12};
  const auto read = taken(halt_name, render(notice)).halt;
  ASSERT_TRUE(read);
  EXPECT_EQ(read->reason.size(), 200U);
  EXPECT_EQ(read->by, "a?b");
}

TEST(FleetGateEntries, WhatHasNoSenseKeepsEverybodyHere) {
  const auto good = render(holder("n1"));
  const std::vector<std::pair<std::string, std::string>> bad{
      {"holder/n1", ""},
      {"holder/n1", "{}"},
      {"holder/n1", "not json"},
      {"holder/n1", "[[[[[[[[[]]]]]]]]]"},
      {"holder/n1", std::string(max_gate_value + 1, ' ')},
      {"holder/n1", good.substr(0, good.size() - 1) + R"(,"new-rule":true})"},
      {"holder/../x", good},
      {"holder/", good},
      {"holder", good},
      {"halt", R"({"reason":"x","by":"y"})"},
      {"halt", R"({"reason":"x\u0000","by":"y","at":1})"},
      {"halt", R"({"reason":"x","by":"y","at":99999999999999})"},
      {"plan", R"({"serial":1,"sha256":"abc"})"},
      {"policy", R"({"max_unavailable":0})"},
      {"fail/r1", render(failure("n2"))},
      {"fail/r1/a/b", render(failure("n2"))},
      {"a-rule-of-tomorrow", "{}"},
      {"", ""},
  };
  for (const auto& [name, value] : bad) {
    const auto facts = taken(name, value);
    EXPECT_EQ(facts.unreadable.size(), 1U) << name << " " << value;
    EXPECT_EQ(word(facts), "unreadable") << name;
  }
}

TEST(FleetGateEntries, LimitsAreSetByName) {
  const auto set = [](const char* text) { return with(Limits{}, read_limit(text).value()); };
  EXPECT_EQ(set("max-unavailable=2").max_unavailable, 2U);
  EXPECT_EQ(set("one_domain=false").one_domain, false);
  EXPECT_EQ(set("hold-deadline=PT45M").hold_deadline, 2700);
  for (const char* bad :
       {"max-unavailable=0", "max-unavailable=", "max-unavailable", "x=1", "max-unavailable=1x",
        "fail-percent=101", "hold-deadline=PT5S", "", "one-domain=1", "max-unavailable=\"2\""})
    EXPECT_EQ(read_limit(bad).error().code, Errc::invalid) << bad;
}

}  // namespace
}  // namespace cube::fleet
