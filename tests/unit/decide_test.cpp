// decide(): the table of the protocol, case by case.
#include <gtest/gtest.h>

#include "tests/unit/decide_table.h"

namespace cube {
namespace {

TEST_F(DecideTable, IdleBeginsOnlyWhatSomebodyWishes) {
  EXPECT_EQ(next(Idle{}), "REST");
  apply();
  EXPECT_EQ(next(Idle{}), "fetching");
}

TEST_F(DecideTable, IdleRefusesADeniedRelease) {
  apply();
  journal_.denied.push_back({update_.release.name.text, update_.release.manifest_sha256, "panic"});
  EXPECT_EQ(next(Idle{}), "FAIL");
}

TEST_F(DecideTable, IdleRejectsATrialThatTheJournalLost) {
  trial(true, 3, 0);
  EXPECT_EQ(next(Idle{}), "REJECT");
}

TEST_F(DecideTable, FetchingEndsWhenTheFetchFailed) {
  apply();
  EXPECT_EQ(next(Fetching{update_}), "FETCH");
  world_.done.fetched = true;
  EXPECT_EQ(next(Fetching{update_}), "filling") << "an apply downloads into the slot";
  world_.failure = Error{Errc::corrupt, "damaged", 0};
  EXPECT_EQ(ended(Fetching{update_}).why.cause, Cause::fetch_failed);
}

TEST_F(DecideTable, WhatMayPassOrWasStoppedKeepsTheUpdateAsItIs) {
  for (const Wish how : {Wish::fetch, Wish::apply})
    for (const Errc code : {Errc::unreachable, Errc::cancelled}) {
      wish(how);
      world_.failure = Error{code, "for now", 0};
      for (const Phase& phase :
           {Phase(Fetching{update_}), Phase(Fetched{update_}), Phase(Filling{update_})})
        EXPECT_EQ(next(phase), "FAIL") << name_of(phase);
    }
  update_.returning = true;
  EXPECT_EQ(ended(Staged{update_}).outcome, Outcome::abandoned) << "a return is begun anew";
}

TEST_F(DecideTable, AFetchStagesAndRestsUntilAnApply) {
  wish(Wish::fetch);
  EXPECT_EQ(next(Idle{}), "fetching");
  EXPECT_EQ(next(Fetching{update_}), "FETCH");
  world_.done.fetched = true;
  EXPECT_EQ(next(Fetching{update_}), "STAGE");
  world_.done.staged = true;
  EXPECT_EQ(next(Fetching{update_}), "fetched");
  EXPECT_EQ(next(Fetched{update_}), "REST");
  world_.done = {};
  for (const Wish patient : {Wish::resume, Wish::commit}) {
    wish(patient);
    EXPECT_EQ(next(Fetched{update_}), "REST");
  }
  wish(Wish::fetch);
  EXPECT_EQ(next(Fetched{update_}), "fetching") << "asked again, it looks again";
  EXPECT_EQ(next(Filling{update_}), "REST");
  apply();
  EXPECT_EQ(next(Fetched{update_}), "FETCH") << "verified in the process that fills";
  world_.done.fetched = true;
  EXPECT_EQ(next(Fetched{update_}), "filling");
}

TEST_F(DecideTable, AFetchedReleaseGivesWayToAnotherAndToRollback) {
  for (const Wish how : {Wish::fetch, Wish::apply}) {
    wish(how);
    world_.candidate->release = release_named("3.0.0", 'c');
    EXPECT_EQ(ended(Fetched{update_}).why.cause, Cause::superseded);
  }
  wish(Wish::rollback);
  EXPECT_EQ(ended(Fetched{update_}).why.cause, Cause::rollback_asked);
}

TEST_F(DecideTable, TheLastApplySaysHowAndFromWhere) {
  apply();
  world_.candidate->source = "file:///media/stick";
  world_.candidate->tries = 1;
  world_.candidate->unattended = false;
  world_.done.fetched = true;
  for (const Phase& phase :
       {Phase(Fetching{update_}), Phase(Fetched{update_}), Phase(Filling{update_})}) {
    const Step step = in(phase);
    const auto* record = std::get_if<step::Record>(&step);
    ASSERT_NE(record, nullptr) << name_of(phase);
    const Update& kept = *update_of(record->journal.phase);
    EXPECT_EQ(kept.source, "file:///media/stick");
    EXPECT_EQ(kept.tries, 1);
    EXPECT_FALSE(kept.unattended);
    EXPECT_EQ(kept.attempt, update_.attempt);
  }
}

TEST_F(DecideTable, FillingUnsealsFillsVerifiesSealsInThisOrder) {
  apply();
  world_.target_seal = seal_of(release_named("1.0.0", 'a'), 0);
  EXPECT_EQ(next(Filling{update_}), "FETCH") << "before the old release is lost";
  world_.done.fetched = true;
  EXPECT_EQ(next(Filling{update_}), "REJECT") << "without a trial, too";
  world_.done.withdrawn = true;
  EXPECT_EQ(next(Filling{update_}), "UNSEAL");
  world_.target_seal.reset();
  EXPECT_EQ(next(Filling{update_}), "FILL");
  world_.done.filled = true;
  EXPECT_EQ(next(Filling{update_}), "VERIFY");
  world_.done.verified = true;
  EXPECT_EQ(next(Filling{update_}), "WRITE-SEAL");
  world_.target_seal = seal_of(update_.release, update_.attempt);
  EXPECT_EQ(next(Filling{update_}), "staged");
}

TEST_F(DecideTable, AReturnReadsTheSlotAgainBeforeItArms) {
  apply();
  update_.returning = true;
  world_.candidate = update_;
  world_.target_seal = seal_of(update_.release, 1);
  EXPECT_EQ(next(Staged{update_}), "VERIFY");
  world_.done.verified = true;
  EXPECT_EQ(next(Staged{update_}), "arming");
  world_.failure = Error{Errc::corrupt, "damaged", 0};
  EXPECT_EQ(ended(Staged{update_}).why.cause, Cause::fill_failed);
}

TEST_F(DecideTable, StagedWithAnotherSealIsFilledAgain) {
  apply();
  EXPECT_EQ(next(Staged{update_}), "filling");
  world_.target_seal = seal_of(update_.release, update_.attempt);
  EXPECT_EQ(next(Staged{update_}), "arming");
}

TEST_F(DecideTable, StagedWaitsForItsTimeAndThenStartsByItself) {
  world_.target_seal = seal_of(update_.release, update_.attempt);
  update_.start = Start::in_window;
  world_.hold = "waits";
  EXPECT_EQ(next(Staged{update_}), "REST");
  apply();
  EXPECT_EQ(next(Staged{update_}), "REST") << "asked for again, as before";
  world_.wish = Wish::resume;
  world_.candidate.reset();
  world_.hold.clear();
  EXPECT_EQ(next(Staged{update_}), "arming");
  world_.may_reboot = false;
  EXPECT_EQ(next(Staged{update_}), "REST") << "a command that only looks";
  world_.may_reboot = true;
  world_.target_seal.reset();
  EXPECT_EQ(next(Staged{update_}), "filling") << "never without its seal";
  world_.wish = Wish::rollback;
  EXPECT_EQ(ended(Staged{update_}).why.cause, Cause::rollback_asked);
}

TEST_F(DecideTable, AnApplyWithoutAWindowEndsTheWaiting) {
  apply();
  world_.target_seal = seal_of(update_.release, update_.attempt);
  world_.hold = "waits";
  Update waiting = update_;
  waiting.start = Start::at_time;
  waiting.not_before = 1'900'000'000;
  EXPECT_EQ(next(Staged{waiting}), "staged") << "what was asked for last";
  EXPECT_EQ(next(Staged{update_}), "arming");
}

TEST_F(DecideTable, ArmingArmsAndReadsBack) {
  EXPECT_EQ(next(Arming{update_}), "ARM");
  trial(true, 3, 0);
  EXPECT_EQ(next(Arming{update_}), "armed");
}

TEST_F(DecideTable, ArmedLeavesOnlyWhenItMayAndWritesThatDownFirst) {
  trial(true, 3, 0);
  world_.wish = Wish::apply;
  world_.may_reboot = false;
  EXPECT_EQ(next(Armed{update_, "this-boot"}), "REST");
  world_.may_reboot = true;
  EXPECT_EQ(next(Armed{update_, "this-boot"}), "armed");
  update_.left = 2000;
  EXPECT_EQ(next(Armed{update_, "this-boot"}), "REBOOT");
}

TEST_F(DecideTable, OneCutDuringTheTrialArmsAgain) {
  trial(false, 2, 1);
  EXPECT_EQ(next(Armed{update_, "another-boot"}), "arming");
  EXPECT_EQ(next(Trying{update_}), "arming");
}

// The loader took the offer and started the fallback: the machine was off for a week, NVRAM was
// cleared, the one-shot named nothing. It is tried again, and given up without blame.
TEST_F(DecideTable, ATrialThatNeverRanIsNotTheReleasesFault) {
  trial(false, 3, 0);
  update_.left = 1000;
  update_.deadline = 10;
  EXPECT_EQ(next(Armed{update_, "another-boot"}), "arming") << "overdue, but it never started";
  update_.armings = update_.tries;
  const Step step = in(Armed{update_, "another-boot"});
  const auto* record = std::get_if<step::Record>(&step);
  ASSERT_NE(record, nullptr);
  const auto* phase = std::get_if<RollingBack>(&record->journal.phase);
  ASSERT_NE(phase, nullptr);
  EXPECT_EQ(phase->why.cause, Cause::never_started);
  world_.done.evidence_kept = true;
  world_.boot->trial.reset();
  const auto attempt = ended(RollingBack{update_, {Cause::never_started, ""}});
  EXPECT_EQ(attempt.outcome, Outcome::abandoned) << "not rolled back, so not denied";
}

// It did start once, and the next time it did not: what is known of the first try still counts.
TEST_F(DecideTable, ATrialThatDidNotRunAgainIsArmedOnceMore) {
  trial(false, 2, 1);
  update_.tries_seen = 1;
  update_.left = 1000;
  update_.deadline = 10;
  EXPECT_EQ(next(Armed{update_, "another-boot"}), "arming");
  update_.tries_seen = 0;
  EXPECT_EQ(next(Armed{update_, "another-boot"}), "rolling-back") << "overdue";
}

TEST_F(DecideTable, UnreadableRecordsAreRefusedWithTheLoadersOwnReason) {
  world_.wish = Wish::apply;
  world_.candidate = update_;
  world_.boot.reset();
  world_.boot_error = "set boot.loader";
  const Step step = in(Idle{});
  const auto* fail = std::get_if<step::Fail>(&step);
  ASSERT_NE(fail, nullptr);
  EXPECT_EQ(fail->error.code, Errc::cannot_arm);
  EXPECT_NE(fail->error.what.find("set boot.loader"), std::string::npos);
}

TEST_F(DecideTable, EvidenceOfDeathRollsBackAtOnce) {
  trial(false, 2, 1);
  world_.evidence = {Cause::panic, "Kernel panic"};
  EXPECT_EQ(next(Armed{update_, "another-boot"}), "rolling-back");
  EXPECT_EQ(next(Trying{update_}), "rolling-back");
}

TEST_F(DecideTable, TriesRunOut) {
  trial(false, 0, 3);
  EXPECT_EQ(next(Armed{update_, "another-boot"}), "rolling-back");
}

TEST_F(DecideTable, TryingWaitsForHealth) {
  run_trial();
  EXPECT_EQ(next(Trying{update_}), "REST");
  world_.wish = Wish::commit;
  EXPECT_EQ(next(Trying{update_}), "CHECK-HEALTH");
  world_.health = Health::passed;
  EXPECT_EQ(next(Trying{update_}), "committing");
  world_.health = Health::failed;
  EXPECT_EQ(next(Trying{update_}), "rolling-back");
}

TEST_F(DecideTable, TryingEndsAtItsDeadline) {
  run_trial();
  world_.uptime = update_.deadline;
  EXPECT_EQ(next(Trying{update_}), "REST");
  world_.uptime = update_.deadline + 1;
  EXPECT_EQ(next(Trying{update_}), "rolling-back");
}

TEST_F(DecideTable, CommittingBlessesThenEnds) {
  run_trial();
  EXPECT_EQ(next(Committing{update_}), "trying") << "health is not known to this process";
  world_.health = Health::passed;
  EXPECT_EQ(next(Committing{update_}), "BLESS");
  world_.boot = BootState{SlotId::b, std::nullopt, false};
  EXPECT_EQ(ended(Committing{update_}).outcome, Outcome::committed);
}

TEST_F(DecideTable, RollingBackLeavesTheTrialFirst) {
  run_trial();
  const RollingBack phase{update_, {Cause::health, "check"}};
  EXPECT_EQ(next(phase), "REJECT");
  world_.boot->trial.reset();
  EXPECT_EQ(next(phase), "REBOOT");
  world_.booted = SlotId::a;
  EXPECT_EQ(next(phase), "KEEP-EVIDENCE");
  world_.done.evidence_kept = true;
  EXPECT_EQ(ended(phase).outcome, Outcome::rolled_back);
}

// By hand, with the loader's own tools.
TEST_F(DecideTable, RollingBackGivesWayToWhoeverMadeTheSlotTheFallback) {
  world_.boot = BootState{SlotId::b, std::nullopt, false};
  const auto end = ended(RollingBack{update_, {Cause::panic, ""}});
  EXPECT_EQ(end.outcome, Outcome::abandoned);
  EXPECT_EQ(end.why.cause, Cause::superseded);
}

}  // namespace
}  // namespace cube
