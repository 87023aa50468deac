// One machine's part in its cluster, with everything that can be lost on the way.
#include "agent/fleet/ending.h"
#include "model/fleet/gate_entries.h"
#include "tests/support/scratch_dir.h"
#include "tests/unit/fleet_participants.h"

namespace cube::fleet {
namespace {

TEST_F(FleetParticipant, AWholeTurn) {
  auto& n1 = node("n1");
  auto& n2 = node("n2");
  EXPECT_EQ(ask(n1).value(), "");
  EXPECT_TRUE(has("gate/holder/n1"));
  EXPECT_TRUE(has("gate/plan"));
  EXPECT_EQ(ask(n1).value(), "") << "the last look";
  EXPECT_EQ(ask(n2).value().substr(0, 8), "busy: n1");
  EXPECT_EQ(part(n2).told().value().substr(0, 8), "busy: n1");
  EXPECT_EQ(settle(n1, Fate::under_way).value(), "");
  EXPECT_TRUE(has("gate/holder/n1"));
  n1.healthy = Error{Errc::refused, "3 placement groups are degraded"};
  EXPECT_NE(settle(n1, Fate::succeeded).value(), "");
  EXPECT_TRUE(has("gate/holder/n1")) << "nobody leaves before the cluster is healthy";
  n1.healthy = ok();
  EXPECT_EQ(settle(n1, Fate::succeeded).value(), "");
  EXPECT_FALSE(has("gate/holder/n1"));
  EXPECT_TRUE(has("hist/r1/n1"));
  wait();
  EXPECT_EQ(ask(n2).value(), "");
  EXPECT_FALSE(part(n1).place().value());
}

TEST_F(FleetParticipant, OfTwoThatDecideAtTheSameTimeOneGoes) {
  auto& n1 = node("n1");
  auto& n2 = node("n2");
  store_.fault = [&](int number) {
    if (number == 2) {  // between n1's reading and its taking
      EXPECT_EQ(ask(n2).value(), "");
    }
    return Fault::none;
  };
  EXPECT_EQ(ask(n1).value().substr(0, 8), "busy: n2");
  EXPECT_FALSE(has("gate/holder/n1"));
}

TEST_F(FleetParticipant, WhoHoldsAPlaceAndDoesNotGoGivesItBack) {
  auto& n1 = node("n1");
  ASSERT_EQ(ask(n1).value(), "");
  EXPECT_EQ(settle(n1, Fate::waits).value(), "");
  EXPECT_FALSE(has("gate/holder/n1"));
  EXPECT_EQ(ask(n1).value(), "");
}

TEST_F(FleetParticipant, AFailureIsToldWithThePlaceInOneStep) {
  auto& n1 = node("n1");
  ASSERT_EQ(ask(n1).value(), "");
  const auto before = store_.history().size();
  EXPECT_EQ(settle(n1, Fate::failed).value(), "");
  const auto& history = store_.history();
  ASSERT_EQ(history.size(), before + 2);
  EXPECT_EQ(history[before].revision, history[before + 1].revision);
  EXPECT_TRUE(has("gate/fail/r1/n1"));
  EXPECT_FALSE(has("gate/holder/n1"));
  EXPECT_FALSE(has("gate/halt"));
  auto& n2 = node("n2");
  ASSERT_EQ(ask(n2).value(), "");
  EXPECT_EQ(settle(n2, Fate::failed).value(), "");
  EXPECT_TRUE(has("gate/halt")) << "the second failure halts";
  auto& n3 = node("n3");
  EXPECT_EQ(ask(n3).value().substr(0, 6), "halted");
  EXPECT_TRUE(acts().resume("looked at", false));
  wait();
  EXPECT_NE(ask(n3).value(), "") << "the failures still count";
  EXPECT_TRUE(has("gate/halt"));
  EXPECT_TRUE(acts().resume("looked at", true));
  wait();
  EXPECT_EQ(ask(n3).value(), "");
}

TEST_F(FleetParticipant, AFailureIsToldAlthoughTheClusterIsNotHealthy) {
  auto& n1 = node("n1");
  ASSERT_EQ(ask(n1).value(), "");
  n1.healthy = Error{Errc::refused, "an OSD is down"};
  EXPECT_NE(settle(n1, Fate::failed).value(), "");
  EXPECT_TRUE(has("gate/fail/r1/n1"));
  EXPECT_TRUE(has("gate/holder/n1"));
  n1.healthy = ok();
  EXPECT_EQ(settle(n1, Fate::failed).value(), "");
  EXPECT_FALSE(has("gate/holder/n1"));
}

TEST_F(FleetParticipant, WhoIsStoppedAtTheLastLookGivesThePlaceBack) {
  auto& n1 = node("n1");
  ASSERT_EQ(ask(n1).value(), "");
  ASSERT_TRUE(acts().pause("audit"));
  EXPECT_EQ(acts().pause("audit").error().code, Errc::nothing_to_do);
  EXPECT_EQ(ask(n1).value().substr(0, 6), "paused");
  EXPECT_FALSE(has("gate/holder/n1"));
  ASSERT_TRUE(acts().resume("audit is over", false));
  EXPECT_EQ(ask(n1).value(), "");
}

// Every answer may be lost, every request may not arrive, and the agent starts anew each time.
TEST_F(FleetParticipant, WhateverIsLostNothingIsTakenTwice) {
  for (const Fault kind : {Fault::unreachable, Fault::answer_lost})
    for (int lost = 1; lost <= 12; ++lost) {
      MemoryKeyValueStore store;
      KeptMemory memory;
      store.fault = [&](int number) { return number == lost ? kind : Fault::none; };
      const auto run = [&](auto&& what) {
        for (int again = 0; again < 3; ++again) {
          Participant one(
              {store, memory, clock_, [this] { return ++random_; }, [] { return ok(); }},
              node("n1").member, "boot-1");
          const auto said = what(one);
          if (said) return *said;
        }
        ADD_FAILURE() << lost;
        return std::string();
      };
      EXPECT_EQ(run([&](Participant& one) { return one.ask(turn()); }), "");
      EXPECT_EQ(run([&](Participant& one) { return one.ask(turn()); }), "");
      EXPECT_EQ(run([&](Participant& one) {
                  return one.settle({Fate::succeeded, "", ""}, limits_);
                }),
                "");
      int taken = 0;
      std::set<std::string> finished;
      for (const auto& event : store.history()) {
        taken += event.change.kind == Change::Kind::put &&
                 event.change.key.find("/holder/") != std::string::npos;
        if (event.change.key.find("/hist/") != std::string::npos) finished.insert(event.change.key);
      }
      EXPECT_EQ(taken, 1) << lost;
      EXPECT_FALSE(memory.memory.place);
      EXPECT_EQ(store.entries().count("/cube-update/v1/c1/gate/holder/n1"), 0U) << lost;
      EXPECT_EQ(finished.size(), 1U) << "it succeeded once, whatever was lost: " << lost;
    }
}

TEST_F(FleetParticipant, APlaceThatNobodyWantsAnyMoreIsGivenBack) {
  auto& n1 = node("n1");
  store_.fault = [](int number) { return number == 3 ? Fault::answer_lost : Fault::none; };
  EXPECT_EQ(ask(n1).error().code, Errc::unreachable);
  EXPECT_TRUE(has("gate/holder/n1"));
  EXPECT_EQ(settle(n1, Fate::dropped).value(), "");
  EXPECT_FALSE(has("gate/holder/n1"));
  // Even one that arrives when it has been forgotten.
  const auto nonce = n1.memory->memory.self + "-1";
  ASSERT_TRUE(store_.commit({{},
                             {{Change::Kind::put, "/cube-update/v1/c1/gate/holder/n1",
                               render(Holder{"n1", "r1", "rack1", {}, nonce, 1, 0})}},
                             ""}));
  EXPECT_TRUE(part(n1).observe(limits_));
  EXPECT_FALSE(has("gate/holder/n1"));
}

TEST_F(FleetParticipant, WhoDoesNotComeBackIsFoundByTheOthersClocks) {
  auto& n1 = node("n1");
  auto& n2 = node("n2");
  ASSERT_EQ(ask(n1).value(), "");
  ASSERT_NE(ask(n2).value(), "") << "who waits looks the more often";
  const int before = store_.requests();
  clock_.pass(limits_.hold_deadline / 2 - 1);
  EXPECT_TRUE(part(n2).observe(limits_));
  EXPECT_EQ(store_.requests(), before) << "a look now and then is enough";
  clock_.pass(limits_.hold_deadline / 2);
  EXPECT_TRUE(part(n2).observe(limits_));
  EXPECT_FALSE(has("gate/halt"));
  // A restart of who watches begins the watch anew: its clock cannot be compared over it.
  n2.boot = "boot-2";
  clock_.pass(10);
  EXPECT_TRUE(part(n2).observe(limits_));
  EXPECT_FALSE(has("gate/halt"));
  clock_.pass(6 * 3600);
  EXPECT_TRUE(part(n2).observe(limits_));
  EXPECT_TRUE(has("gate/halt"));
  EXPECT_TRUE(has("gate/fail/r1/n1"));
  EXPECT_TRUE(has("gate/holder/n1")) << "its place stays, for it may still be away";
  // It comes back after all.
  EXPECT_EQ(settle(n1, Fate::succeeded).value(), "");
  EXPECT_FALSE(has("gate/holder/n1"));
}

TEST_F(FleetParticipant, AnOperatorTakesThePlaceOfADeadMachineAway) {
  auto& n1 = node("n1");
  ASSERT_EQ(ask(n1).value(), "");
  EXPECT_EQ(acts().unlock("n2", "gone").error().code, Errc::nothing_to_do);
  EXPECT_TRUE(acts().unlock("n1", "burnt down"));
  EXPECT_FALSE(has("gate/holder/n1"));
  auto& n2 = node("n2");
  EXPECT_EQ(ask(n2).value(), "");
  // The dead one was not dead: it does no harm, and does not take the place of another away.
  EXPECT_EQ(settle(n1, Fate::succeeded).value(), "");
  EXPECT_TRUE(has("gate/holder/n2"));
  const auto log = acts().log(10).value();
  ASSERT_EQ(log.size(), 1U);
  EXPECT_EQ(log[0].act, "unlock n1");
  EXPECT_EQ(log[0].by, "anna");
}

TEST_F(FleetParticipant, AfterALossOfDataNobodyBeginsUntilAllAreBack) {
  auto& n1 = node("n1");
  auto& n2 = node("n2");
  ASSERT_EQ(ask(n1).value(), "");
  ASSERT_NE(ask(n2).value(), "");
  const NodeStatus status{"CUBE_1", "staged", "CUBE_2", "waits"};
  EXPECT_TRUE(part(n2).show(status));
  store_.replace();
  wait();
  EXPECT_EQ(ask(n2).value().substr(0, 8), "the data");
  EXPECT_EQ(part(n2).observe(limits_).has_value(), true);
  EXPECT_TRUE(part(n2).show(status));
  EXPECT_TRUE(has("node/n2"));
  EXPECT_EQ(settle(n1, Fate::under_way).value(), "");
  look_again(n1);
  EXPECT_TRUE(has("gate/holder/n1")) << "who is away by its memory puts its place back";
  clock_.pass(limits_.hold_deadline);
  EXPECT_EQ(ask(n2).value().substr(0, 8), "busy: n1");
  EXPECT_EQ(settle(n1, Fate::succeeded).value(), "");
  wait();
  EXPECT_EQ(ask(n2).value(), "");
}

TEST_F(FleetParticipant, TheWaitAfterALossOfDataEndsAndDoesNotComeBack) {
  auto& n1 = node("n1");
  ASSERT_TRUE(part(n1).observe(limits_));
  store_.replace();
  EXPECT_EQ(ask(n1).value().substr(0, 8), "the data");
  n1.boot = "boot-2";  // the wait begins anew, once, though nothing happens in the store
  EXPECT_EQ(ask(n1).value().substr(0, 8), "the data");
  clock_.pass(limits_.hold_deadline - 1);
  EXPECT_EQ(ask(n1).value().substr(0, 8), "the data");
  clock_.pass(1);
  EXPECT_EQ(ask(n1).value(), "");
  EXPECT_EQ(settle(n1, Fate::succeeded).value(), "");
  n1.boot = "boot-3";
  EXPECT_EQ(ask(n1, 2).value(), "");
}

TEST_F(FleetParticipant, AnOldCopyOfTheDataIsNoticed) {
  auto& n1 = node("n1");
  auto& n2 = node("n2");
  EXPECT_TRUE(part(n2).observe(limits_));
  const auto old = store_.copy();
  ASSERT_EQ(ask(n1).value(), "");
  ASSERT_NE(ask(n2).value(), "");
  store_.restore(*old);
  wait();
  EXPECT_EQ(ask(n2).value().substr(0, 8), "the data");
  // An unlock after that is an unlock: the place is not put back a second time.
  look_again(n1);
  ASSERT_TRUE(has("gate/holder/n1"));
  EXPECT_TRUE(acts().unlock("n1", "gone"));
  look_again(n1);
  EXPECT_FALSE(has("gate/holder/n1"));
}

TEST_F(FleetParticipant, AFullStoreLetsGoAndLetsNobodyIn) {
  auto& n1 = node("n1");
  auto& n2 = node("n2");
  ASSERT_EQ(ask(n1).value(), "");
  store_.fault = [](int) { return Fault::no_space; };
  EXPECT_EQ(settle(n1, Fate::succeeded).value(), "");
  EXPECT_FALSE(has("gate/holder/n1"));
  EXPECT_EQ(ask(n2).error().code, Errc::no_space);
  store_.fault = [](int) { return Fault::none; };
  ASSERT_EQ(ask(n2).value(), "");
  store_.fault = [](int) { return Fault::no_space; };
  EXPECT_EQ(settle(n2, Fate::failed).error().code, Errc::no_space);
  EXPECT_TRUE(has("gate/holder/n2")) << "a failure that cannot be told keeps the place";
}

TEST_F(FleetParticipant, TwoMachinesOfOneNameDoNotShareAPlace) {
  auto& n1 = node("n1");
  Node twin;
  twin.member = n1.member;
  ASSERT_EQ(ask(n1).value(), "");
  EXPECT_NE(ask(twin).value().find("under this machine's name"), std::string::npos);
  EXPECT_EQ(settle(twin, Fate::dropped).value(), "");
  EXPECT_TRUE(has("gate/holder/n1"));
}

TEST_F(FleetParticipant, WhatOthersWroteKeepsEverybodyHere) {
  auto& n1 = node("n1");
  ASSERT_TRUE(store_.commit(
      {{}, {{Change::Kind::put, "/cube-update/v1/c1/gate/rule-of-tomorrow", "1"}}, ""}));
  EXPECT_EQ(ask(n1).value().substr(0, 8), "the gate");
  // Keys of other clusters and other programs are none of ours.
  auto& other = node("o1");
  other.member.cluster = "c2";
  EXPECT_EQ(ask(other).value(), "");
}

TEST_F(FleetParticipant, OperatorsNarrow) {
  EXPECT_TRUE(acts().set({"max-unavailable=2"}, "two racks of spares"));
  limits_.max_unavailable = 3;
  auto& n1 = node("n1");
  auto& n2 = node("n2");
  auto& n3 = node("n3");
  EXPECT_EQ(ask(n1).value(), "");
  EXPECT_EQ(ask(n2).value(), "");
  EXPECT_EQ(ask(n3).value().substr(0, 4), "busy");
  EXPECT_EQ(acts().set({"max-unavailable=0"}, "x").error().code, Errc::invalid);
  EXPECT_TRUE(acts().block("CUBE_2.0.0_20261101-1200_abc", "CVE"));
  EXPECT_NE(ask(n1).value().find("is blocked"), std::string::npos);
  EXPECT_TRUE(acts().unblock("CUBE_2.0.0_20261101-1200_abc", "fixed"));
  wait();
  EXPECT_EQ(ask(n1).value(), "");
}

TEST(FleetEnding, IsWhatTheJournalSays) {
  Journal journal;
  Update update;
  update.attempt = 4;
  const auto fate = [&](Phase phase) {
    journal.phase = std::move(phase);
    return ending_of(journal, 4).fate;
  };
  EXPECT_EQ(fate(Staged{update}), Fate::waits);
  EXPECT_EQ(fate(Filling{update}), Fate::dropped);
  EXPECT_EQ(fate(Arming{update}), Fate::under_way);
  EXPECT_EQ(fate(Armed{update, "b"}), Fate::under_way);
  EXPECT_EQ(fate(Trying{update}), Fate::under_way);
  EXPECT_EQ(fate(Committing{update}), Fate::under_way);
  EXPECT_EQ(fate(RollingBack{update, {}}), Fate::under_way);
  EXPECT_EQ(fate(Idle{}), Fate::dropped);
  Attempt attempt;
  attempt.number = 4;
  const auto after = [&](Outcome outcome) {
    attempt.outcome = outcome;
    journal.history = {attempt};
    return fate(Idle{});
  };
  EXPECT_EQ(after(Outcome::committed), Fate::succeeded);
  EXPECT_EQ(after(Outcome::rolled_back), Fate::failed);
  EXPECT_EQ(after(Outcome::abandoned), Fate::dropped);
  EXPECT_EQ(after(Outcome::rehearsed), Fate::dropped);
}

TEST(FleetMemoryFile, IsKeptAndRefusedWhenDamaged) {
  const ScratchDir scratch;
  const auto root = scratch.root();
  FileFleetMemory file(root);
  EXPECT_EQ(file.load().value(), FleetMemory{});
  FleetMemory memory;
  memory.self = "abc";
  memory.store = UINT64_MAX;
  memory.place = Place{7, "r1", "rel", "abc-1", true, 42, true, false, true};
  memory.watched = {{"n2", 9, {"boot", 12}}};
  memory.wary = Moment{"boot", 3};
  memory.blocked["rel"] = "CVE";
  EXPECT_TRUE(file.save(memory));
  EXPECT_EQ(file.load().value(), memory);
  const auto text = render(memory);
  for (std::size_t cut = 0; cut + 2 < text.size(); cut += 7)
    EXPECT_FALSE(parse_memory(text.substr(0, cut))) << cut;
}

}  // namespace
}  // namespace cube::fleet
