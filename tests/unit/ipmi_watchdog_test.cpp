#include <gtest/gtest.h>

#include <fstream>

#include "boot/watchdog/ipmi_watchdog.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/simulated_bmc.h"

namespace cube {
namespace {

class IpmiWatchdogTest : public testing::Test {
 protected:
  IpmiWatchdog watchdog(WatchdogPolicy policy = WatchdogPolicy::if_present) {
    return {root_, "state", bmc_, {policy, 300}};
  }
  bool noted() const { return root_.exists("state/watchdog"); }

  ScratchDir dir_;
  RootDir root_ = dir_.root();
  SimulatedBmc bmc_;
};

TEST_F(IpmiWatchdogTest, StartedItRunsAndEndsTheHang) {
  auto dog = watchdog();
  ASSERT_TRUE(dog.start(7));
  EXPECT_TRUE(bmc_.running);
  EXPECT_EQ(bmc_.use, 3) << "OS Load";
  EXPECT_EQ(bmc_.action, 1) << "hard reset";
  EXPECT_EQ(bmc_.countdown, 3000U);
  EXPECT_EQ(dog.evidence(7).cause, Cause::none);
  bmc_.expire();
  EXPECT_EQ(dog.evidence(7).cause, Cause::watchdog);
  EXPECT_EQ(
      dog.evidence(7).detail,
      "the watchdog reset the machine after 300 s (BMC: its timer \"OS Load\" has expired, it "
      "calls that the cause of the restart, entry 1 of its event log)");
}

TEST_F(IpmiWatchdogTest, TheNoteIsThereBeforeTheTimerRuns) {
  bmc_.twist = [&](IpmiReply& reply) { EXPECT_TRUE(reply.command != 0x22 || noted()); };
  ASSERT_TRUE(watchdog().start(7));
}

TEST_F(IpmiWatchdogTest, EachSignAloneIsEnough) {
  for (const int sign : {0, 1, 2}) {
    SimulatedBmc bmc;
    bmc.tells_cause = sign == 1;
    bmc.logs_expiry = sign == 2;
    IpmiWatchdog dog(root_, "state", bmc, {WatchdogPolicy::if_present, 300});
    ASSERT_TRUE(dog.start(7));
    bmc.expire();
    if (sign != 0) bmc.expired = 0;
    EXPECT_EQ(dog.evidence(7).cause, Cause::watchdog) << sign;
  }
}

TEST_F(IpmiWatchdogTest, AnExpiryBeforeTheArmingIsNotBlamedOnTheTrial) {
  bmc_.expired = 1 << 3;
  bmc_.add_entry(0x23, 1);
  auto dog = watchdog();
  ASSERT_TRUE(dog.start(7));
  EXPECT_EQ(bmc_.expired, 0);
  EXPECT_EQ(dog.evidence(7).cause, Cause::none);
}

TEST_F(IpmiWatchdogTest, AfterAnEarlierExpiryTheNextIsSeen) {
  bmc_.expired = 1 << 3;
  bmc_.has_log = bmc_.tells_cause = false;
  auto dog = watchdog();
  ASSERT_TRUE(dog.start(7));
  bmc_.expire();
  EXPECT_EQ(dog.evidence(7).cause, Cause::watchdog);
}

TEST_F(IpmiWatchdogTest, SignsThatCannotBeClearedProveNothing) {
  bmc_.expired = 1 << 3;
  bmc_.keeps_flags = true;
  auto dog = watchdog();
  ASSERT_TRUE(dog.start(7));
  EXPECT_TRUE(bmc_.running);
  EXPECT_EQ(dog.evidence(7).cause, Cause::none);
}

TEST_F(IpmiWatchdogTest, ItBelongsToOneAttempt) {
  auto dog = watchdog();
  EXPECT_EQ(dog.evidence(0).cause, Cause::none);
  ASSERT_TRUE(dog.start(7));
  bmc_.expire();
  EXPECT_EQ(dog.evidence(8).cause, Cause::none);
}

TEST_F(IpmiWatchdogTest, TheTimeIsThatOfTheEventLog) {
  auto dog = watchdog();
  ASSERT_TRUE(dog.start(7));
  bmc_.add_entry(0x12, 1);
  bmc_.time += 5;  // it had been set anew meanwhile
  bmc_.expire();
  EXPECT_NE(dog.evidence(7).detail.find("after 305 s"), std::string::npos);
  EXPECT_NE(dog.evidence(7).detail.find("entry 2 "), std::string::npos);
}

TEST_F(IpmiWatchdogTest, AnErasedLogIsReadFromItsBeginning) {
  for (int i = 0; i < 3; ++i) bmc_.add_entry(0x23, 1);
  auto dog = watchdog();
  ASSERT_TRUE(dog.start(7));
  bmc_.time += 1;
  bmc_.log.clear();
  EXPECT_EQ(dog.evidence(7).cause, Cause::none);
  bmc_.expire();
  bmc_.expired = bmc_.cause = 0;
  EXPECT_EQ(dog.evidence(7).cause, Cause::watchdog);
}

TEST_F(IpmiWatchdogTest, ALogThatTurnsInCirclesIsLeft) {
  auto dog = watchdog();
  ASSERT_TRUE(dog.start(7));
  bmc_.add_entry(0x12, 1);
  bmc_.add_entry(0x12, 1);
  bmc_.twist = [](IpmiReply& reply) {
    if (reply.command == 0x43 && reply.data.size() == 19)
      reply.data[1] = reply.data[3] == 1 ? 2 : 1, reply.data[2] = 0;
  };
  bmc_.asked.clear();
  EXPECT_EQ(dog.evidence(7).cause, Cause::none);
  EXPECT_LT(bmc_.asked.size(), 100U);
}

TEST_F(IpmiWatchdogTest, StoppedItResetsNothingAndItsSignsStay) {
  auto dog = watchdog();
  ASSERT_TRUE(dog.start(7));
  ASSERT_TRUE(dog.stop());
  EXPECT_FALSE(bmc_.running);
  ASSERT_TRUE(dog.stop());
  ASSERT_TRUE(dog.start(8));
  bmc_.expire();
  ASSERT_TRUE(dog.stop());
  EXPECT_EQ(dog.evidence(8).cause, Cause::watchdog);
  ASSERT_TRUE(dog.forget());
  EXPECT_EQ(dog.evidence(8).cause, Cause::none);
}

TEST_F(IpmiWatchdogTest, ATimerThatSomebodyTookOverIsLeftAlone) {
  auto dog = watchdog();
  ASSERT_TRUE(dog.start(7));
  bmc_.use = 4;
  bmc_.countdown = 100;
  ASSERT_TRUE(dog.hold(900));
  ASSERT_TRUE(dog.stop());
  EXPECT_TRUE(bmc_.running);
  EXPECT_EQ(bmc_.countdown, 100U);
  bmc_.logs_expiry = bmc_.tells_cause = false;
  bmc_.expire();
  EXPECT_EQ(dog.evidence(7).cause, Cause::watchdog) << "it reset the trial all the same";
}

TEST_F(IpmiWatchdogTest, WithoutANoteNobodysTimerIsTouched) {
  bmc_.use = 3;
  bmc_.running = true;
  auto dog = watchdog();
  ASSERT_TRUE(dog.stop());
  ASSERT_TRUE(dog.hold(900));
  EXPECT_TRUE(bmc_.running);
  EXPECT_TRUE(bmc_.asked.empty());
}

TEST_F(IpmiWatchdogTest, HeldItGoesOnForLonger) {
  auto dog = watchdog();
  ASSERT_TRUE(dog.start(7));
  bmc_.expired = 1 << 3;  // while the old system was still shutting down
  ASSERT_TRUE(dog.hold(900));
  EXPECT_EQ(bmc_.countdown, 9000U);
  EXPECT_TRUE(bmc_.running);
  EXPECT_EQ(dog.evidence(7).cause, Cause::none);
  ASSERT_TRUE(dog.hold(86400));
  EXPECT_EQ(bmc_.countdown, 65530U);
  ASSERT_TRUE(dog.hold(0));
  EXPECT_EQ(bmc_.countdown, 3000U);
  bmc_.running = false;
  ASSERT_TRUE(dog.hold(900));
  EXPECT_FALSE(bmc_.running) << "what somebody stopped stays so";
}

TEST_F(IpmiWatchdogTest, HowLongARestartTookIsLearnedFromTheTimer) {
  IpmiWatchdog dog(root_, "state", bmc_, {WatchdogPolicy::if_present, 0});
  ASSERT_TRUE(dog.start(7));
  EXPECT_EQ(bmc_.countdown, 6000U) << "nothing is known yet";
  bmc_.pass(200);
  ASSERT_TRUE(dog.hold(900)) << "the trial is there";
  EXPECT_EQ(bmc_.countdown, 9000U);
  bmc_.pass(300);
  ASSERT_TRUE(dog.hold(900)) << "and still is: that says nothing of the restart";
  ASSERT_TRUE(dog.stop());
  ASSERT_TRUE(dog.forget());
  ASSERT_TRUE(dog.start(8));
  EXPECT_EQ(bmc_.countdown, 5200U) << "twice 200 s and two minutes";
  EXPECT_TRUE(watchdog().start(9));
  EXPECT_EQ(bmc_.countdown, 3000U) << "what is configured goes first";
}

TEST_F(IpmiWatchdogTest, ATimerThatWasSetMeanwhileTeachesNothing) {
  IpmiWatchdog dog(root_, "state", bmc_, {WatchdogPolicy::if_present, 0});
  ASSERT_TRUE(dog.start(7));
  bmc_.countdown = 100;
  bmc_.pass(5);
  ASSERT_TRUE(dog.hold(900));
  EXPECT_FALSE(root_.exists("state/boot-times"));
}

TEST(BootTimesTest, TheLongestOfTheLastEightCountsTwice) {
  ScratchDir dir;
  const RootDir root = dir.root();
  const BootTimes times(root, "boot-times");
  EXPECT_EQ(times.allowance(), 600);
  EXPECT_TRUE(times.add(1000));
  for (int i = 1; i <= 7; ++i) EXPECT_TRUE(times.add(i));
  EXPECT_EQ(times.allowance(), 2120);
  EXPECT_TRUE(times.add(8));
  EXPECT_EQ(times.allowance(), 136) << "the ninth is forgotten";
  EXPECT_TRUE(times.add(6000));
  EXPECT_EQ(times.allowance(), max_watchdog_seconds);
  for (const char* damaged : {"", "{", "{\"seconds\":[6554]}", "{\"seconds\":[-1]}", "[]"}) {
    std::ofstream(dir.path() + "/boot-times") << damaged;
    EXPECT_EQ(times.allowance(), 600) << damaged;
  }
  EXPECT_TRUE(times.add(50));
  EXPECT_EQ(times.allowance(), 220);
}

TEST_F(IpmiWatchdogTest, LostPowerIsKnownOnlyFromTheBmcAndWhileItWatched) {
  auto dog = watchdog();
  bmc_.cause = 6;
  EXPECT_FALSE(dog.power_was_lost(7)) << "nobody watched: a hang may have been ended by the cord";
  ASSERT_TRUE(dog.start(7));
  EXPECT_TRUE(dog.power_was_lost(7));
  EXPECT_FALSE(dog.power_was_lost(8));
  for (int cause = 0; cause <= 11; ++cause) {
    if (cause == 6 || cause == 7) continue;
    bmc_.cause = static_cast<std::uint8_t>(cause);
    EXPECT_FALSE(dog.power_was_lost(7)) << cause;
  }
  bmc_.cause = 7;
  EXPECT_TRUE(dog.power_was_lost(7));
  bmc_.refuses[0x0007] = 0xc1;
  EXPECT_FALSE(dog.power_was_lost(7));
}

TEST_F(IpmiWatchdogTest, WithoutABmcTheTrialGoesAllTheSame) {
  bmc_.absent = true;
  auto dog = watchdog();
  EXPECT_TRUE(dog.demand());
  EXPECT_TRUE(dog.start(7));
  EXPECT_FALSE(noted());
  EXPECT_TRUE(dog.tell_rollback(7));
}

TEST_F(IpmiWatchdogTest, ABmcThatFailsDoesNotStopTheTrialUnlessRequired) {
  const std::vector<std::pair<const char*, std::function<void(SimulatedBmc&)>>> faults{
      {"absent", [](SimulatedBmc& bmc) { bmc.absent = true; }},
      {"silent", [](SimulatedBmc& bmc) { bmc.silent = true; }},
      {"get refused", [](SimulatedBmc& bmc) { bmc.refuses[0x0625] = 0xc1; }},
      {"set refused", [](SimulatedBmc& bmc) { bmc.refuses[0x0624] = 0xd4; }},
      {"start refused", [](SimulatedBmc& bmc) { bmc.refuses[0x0622] = 0xd5; }},
      {"never starts", [](SimulatedBmc& bmc) { bmc.never_starts = true; }},
      {"short",
       [](SimulatedBmc& bmc) { bmc.twist = [](IpmiReply& reply) { reply.data.pop_back(); }; }},
      {"long", [](SimulatedBmc& bmc) { bmc.twist = [](IpmiReply& reply) { reply.data += 'x'; }; }},
      {"empty",
       [](SimulatedBmc& bmc) { bmc.twist = [](IpmiReply& reply) { reply.data.clear(); }; }},
      {"other command",
       [](SimulatedBmc& bmc) { bmc.twist = [](IpmiReply& reply) { ++reply.command; }; }},
      {"other time",
       [](SimulatedBmc& bmc) {
         bmc.twist = [](IpmiReply& reply) {
           if (reply.command == 0x25) reply.data[5] = 1;
         };
       }},
  };
  for (const auto& [name, fault] : faults) {
    SimulatedBmc bmc;
    fault(bmc);
    IpmiWatchdog lenient(root_, "state", bmc, {WatchdogPolicy::if_present, 300});
    EXPECT_TRUE(lenient.demand()) << name;
    EXPECT_TRUE(lenient.start(7)) << name;
    EXPECT_FALSE(bmc.running && !noted()) << name << ": a timer runs that nobody knows of";
    IpmiWatchdog strict(root_, "state", bmc, {WatchdogPolicy::required, 300});
    const auto status = strict.start(7);
    ASSERT_FALSE(status) << name;
    EXPECT_EQ(status.error().code, Errc::cannot_arm) << name;
    EXPECT_EQ(strict.evidence(7).cause, Cause::none) << name;
  }
}

TEST_F(IpmiWatchdogTest, RequiredItIsTriedBeforeTheArming) {
  auto dog = watchdog(WatchdogPolicy::required);
  EXPECT_TRUE(dog.demand());
  EXPECT_FALSE(bmc_.running) << "and does not run before the restart";
  bmc_.refuses[0x0624] = 0xd4;
  const auto status = dog.demand();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::cannot_arm);
  EXPECT_NE(status.error().what.find("not permitted (D4)"), std::string::npos);
  EXPECT_FALSE(noted());
}

TEST_F(IpmiWatchdogTest, OffItIsNeverTalkedTo) {
  auto dog = watchdog(WatchdogPolicy::off);
  EXPECT_TRUE(dog.demand());
  EXPECT_TRUE(dog.start(7));
  EXPECT_TRUE(dog.tell_rollback(7));
  EXPECT_TRUE(bmc_.asked.empty());
}

TEST_F(IpmiWatchdogTest, EarlyInABootTheDriverIsWaitedFor) {
  auto dog = watchdog();
  ASSERT_TRUE(dog.start(7));
  bmc_.appears_after = 3;
  EXPECT_TRUE(dog.stop());
  EXPECT_FALSE(bmc_.running);
  ASSERT_TRUE(root_.make_dirs("proc"));
  std::ofstream(dir_.path() + "/proc/uptime") << "100.00 100.00\n";
  bmc_.appears_after = 3;
  EXPECT_FALSE(dog.stop());
  EXPECT_EQ(bmc_.appears_after, 2) << "later it is not there, and that is that";
}

TEST_F(IpmiWatchdogTest, ATimerThatGoesOnIsAFailure) {
  auto dog = watchdog();
  ASSERT_TRUE(dog.start(7));
  bmc_.never_stops = true;
  EXPECT_FALSE(dog.stop());
  EXPECT_TRUE(noted()) << "so that the next run tries again";
}

TEST_F(IpmiWatchdogTest, ABmcWithoutALogHasAWatchdogAllTheSame) {
  bmc_.has_log = false;
  auto dog = watchdog();
  ASSERT_TRUE(dog.start(7));
  bmc_.expire();
  EXPECT_EQ(dog.evidence(7).detail.substr(0, 45), "the watchdog reset the machine after 300 s (B");
  EXPECT_FALSE(dog.tell_rollback(7));
}

TEST_F(IpmiWatchdogTest, ARollbackIsToldInTheLogWhereThereIsRoom) {
  ASSERT_TRUE(watchdog().tell_rollback(7));
  ASSERT_EQ(bmc_.log.size(), 1U);
  EXPECT_EQ(bmc_.log[0].substr(7), std::string("\x41\0\x04\x2b\x01\x6f\xe5\x0b\x07", 9));
  bmc_.log_room = 1;
  EXPECT_NE(watchdog().tell_rollback(8).error().what.find("out of space"), std::string::npos);
}

TEST_F(IpmiWatchdogTest, ADamagedNoteProvesNothingAndTheTimerIsStopped) {
  auto dog = watchdog();
  ASSERT_TRUE(dog.start(7));
  std::ofstream(dir_.path() + "/state/watchdog") << "{\"attempt\":7";
  EXPECT_EQ(dog.evidence(7).cause, Cause::none);
  EXPECT_FALSE(dog.hold(900));
  EXPECT_TRUE(dog.stop());
  EXPECT_FALSE(bmc_.running);
}

TEST(WatchdogNoteTest, RoundTripAndRange) {
  const WatchdogNote note{7, 300, 0x08, true, ipmi::LogPosition{0x1234, 0x89abcdef}};
  EXPECT_EQ(parse_note(render_note(note)).value(), note);
  const WatchdogNote without{7, 300, 0, false, std::nullopt};
  EXPECT_EQ(parse_note(render_note(without)).value(), without);
  EXPECT_TRUE(parse_note(R"({"attempt":7,"seconds":300,"stuck":0})").value().arrived)
      << "of a version that learned nothing";
  for (const char* bad :
       {"", "{}", "{\"attempt\":1,\"seconds\":6554,\"stuck\":0}",
        "{\"attempt\":1,\"seconds\":1,\"stuck\":256}",
        "{\"attempt\":1,\"seconds\":1,\"stuck\":0,\"log\":{\"last\":65536,\"time\":0}}",
        "{\"attempt\":1,\"seconds\":1,\"stuck\":0,\"arrived\":1}",
        "{\"attempt\":-1,\"seconds\":1,\"stuck\":0}"})
    EXPECT_FALSE(parse_note(bad)) << bad;
}

}  // namespace
}  // namespace cube
