// Whose turn it is in a cluster, and how often a machine asks.
#include <utility>

#include "tests/unit/fleet_participants.h"

namespace cube::fleet {
namespace {

TEST_F(FleetParticipant, WhoWaitsFarBehindAsksLessOften) {
  auto& n1 = node("n1");
  ASSERT_EQ(ask(n1).value(), "");
  auto& n2 = node("n2");
  auto& n3 = node("n3");
  ASSERT_NE(ask(n2).value(), "");
  ASSERT_NE(ask(n3).value(), "");
  EXPECT_TRUE(has("gate-queue/r1/n2"));
  const int before = store_.requests();
  EXPECT_NE(ask(n3).value(), "");
  EXPECT_EQ(store_.requests(), before) << "n2 goes first";
  clock_.pass(limits_.hold_deadline / 6 - 1);
  EXPECT_NE(ask(n2).value(), "");
  EXPECT_EQ(store_.requests(), before) << "n1 cannot be back yet";
  clock_.pass(1);
  EXPECT_NE(ask(n2).value(), "");
  EXPECT_EQ(store_.requests(), before + 1);
  EXPECT_EQ(settle(n3, Fate::waits).value(), "");
  EXPECT_TRUE(has("gate-queue/r1/n3"));
  EXPECT_EQ(settle(n1, Fate::succeeded).value(), "");
  // Who stands before does not keep anybody from going once it is asked.
  clock_.pass(limits_.hold_deadline / 6);
  EXPECT_EQ(ask(n3).value(), "");
  EXPECT_FALSE(has("gate-queue/r1/n3"));
  EXPECT_EQ(settle(n2, Fate::dropped).value(), "");
  EXPECT_FALSE(has("gate-queue/r1/n2"));
}

// The whole turn of a machine that nothing disturbs; what it asks is counted.
TEST_F(FleetParticipant, AsksNoMoreThanItMust) {
  auto& n1 = node("n1");
  int before = store_.requests();
  const auto asked = [&] { return store_.requests() - std::exchange(before, store_.requests()); };
  EXPECT_EQ(ask(n1).value(), "");
  EXPECT_EQ(asked(), 3) << "the gate, the others, the taking";
  EXPECT_EQ(ask(n1).value(), "");
  EXPECT_EQ(asked(), 1) << "the last look";
  EXPECT_EQ(settle(n1, Fate::under_way).value(), "");
  n1.healthy = Error{Errc::refused, "degraded"};
  EXPECT_NE(settle(n1, Fate::succeeded).value(), "");
  EXPECT_EQ(asked(), 0) << "it asks its cluster, not the store";
  n1.healthy = ok();
  EXPECT_EQ(settle(n1, Fate::succeeded).value(), "");
  EXPECT_EQ(asked(), 1) << "the giving back";
  clock_.pass(6 * 3600 - 1);
  EXPECT_TRUE(part(n1).observe(limits_));
  EXPECT_EQ(asked(), 0) << "who has no part in a rollout looks now and then";
  clock_.pass(1);
  EXPECT_TRUE(part(n1).observe(limits_));
  EXPECT_EQ(asked(), 1);
}

TEST_F(FleetParticipant, WhatItSaysIsShownNowAndThenAndWhatItDoesAtOnce) {
  auto& n1 = node("n1");
  const auto shows = [&](const std::string& phase, const std::string& says) {
    const int before = store_.requests();
    EXPECT_TRUE(part(n1).show({"CUBE_1", phase, "CUBE_2", says}));
    return store_.requests() != before;
  };
  EXPECT_TRUE(shows("staged", "busy: n2"));
  EXPECT_FALSE(shows("staged", "busy: n3"));
  EXPECT_TRUE(shows("trying", "busy: n3"));
  EXPECT_FALSE(shows("trying", "busy: n4"));
  clock_.pass(3600);
  EXPECT_TRUE(shows("trying", "busy: n4"));
  clock_.pass(3600);
  EXPECT_FALSE(shows("trying", "busy: n4"));
}

TEST_F(FleetParticipant, ACanaryGoesFirstAndItsFailureHalts) {
  auto& n1 = node("n1");
  auto& n2 = node("n2");
  n2.member.order = canary_order;
  EXPECT_TRUE(part(n2).show({"CUBE_1.0.0_20260101-1200_abc", "idle", "", ""}));
  EXPECT_EQ(ask(n1).value(), "n2, a canary, goes first");
  EXPECT_FALSE(has("gate/holder/n1"));
  EXPECT_EQ(ask(n2).value(), "");
  EXPECT_TRUE(acts().forget("n9", "gone").error().code == Errc::nothing_to_do);
  EXPECT_EQ(acts().forget("n2", "gone").error().code, Errc::busy) << "it holds a place";
  EXPECT_EQ(settle(n2, Fate::failed).value(), "");
  EXPECT_TRUE(has("gate/halt")) << "the first failure is enough";
  wait();
  EXPECT_EQ(ask(n1).value().substr(0, 6), "halted");
  EXPECT_TRUE(acts().abort("CUBE_2.0.0_20261101-1200_abc", "the canary died"));
  EXPECT_FALSE(has("gate/halt"));
  wait();
  EXPECT_NE(ask(n1).value().find("is blocked in this cluster"), std::string::npos);
  EXPECT_EQ(part(n1).blocked().value().at("CUBE_2.0.0_20261101-1200_abc"), "the canary died");
  EXPECT_TRUE(acts().unblock("CUBE_2.0.0_20261101-1200_abc", "it was the cable"));
  EXPECT_EQ(part(n1).blocked_now().value().size(), 0U);
  const auto before = n1.memory->memory;
  EXPECT_TRUE(acts().block("CUBE_2.0.0_20261101-1200_abc", "it was not"));
  EXPECT_EQ(part(n1).blocked_now().value().size(), 1U);
  EXPECT_EQ(n1.memory->memory, before) << "whoever only looks writes nothing over another's memory";
}

TEST_F(FleetParticipant, WhoIsForgottenIsNotWaitedFor) {
  auto& n1 = node("n1");
  auto& n2 = node("n2");
  n2.member.order = canary_order;
  EXPECT_TRUE(part(n2).show({"CUBE_1.0.0_20260101-1200_abc", "idle", "", ""}));
  EXPECT_NE(ask(n1).value(), "");
  EXPECT_TRUE(acts().forget("n2", "burnt down"));
  EXPECT_FALSE(has("node/n2"));
  clock_.pass(limits_.hold_deadline);
  EXPECT_EQ(ask(n1).value(), "");
}

TEST_F(FleetParticipant, TheLeaderOfTheStoreGoesAfterItsOtherMembers) {
  auto& n1 = node("n1");
  auto& n2 = node("n2");
  n1.member.roles = n2.member.roles = {"etcd"};
  n1.leads = true;
  EXPECT_TRUE(part(n2).show({"CUBE_1.0.0_20260101-1200_abc", "idle", "", ""}));
  EXPECT_EQ(ask(n1).value().substr(0, 23), "this machine leads etcd");
  n1.leads = Error{Errc::unreachable, "nobody answers"};
  clock_.pass(limits_.hold_deadline);
  EXPECT_EQ(ask(n1).error().code, Errc::unreachable) << "who cannot know does not begin";
  n1.leads = false;
  EXPECT_EQ(ask(n1).value(), "");
}

TEST_F(FleetParticipant, WhoWasUnlockedAndComesBackIsCountedAllTheSame) {
  auto& n1 = node("n1");
  ASSERT_EQ(ask(n1).value(), "");
  EXPECT_TRUE(acts().unlock("n1", "burnt down"));
  EXPECT_EQ(settle(n1, Fate::succeeded).value(), "");
  EXPECT_TRUE(has("hist/r1/n1"));
}

}  // namespace
}  // namespace cube::fleet
