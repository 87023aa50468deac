// decide(): what health before the update, hooks, and the way the machine was started have to say.
#include <gtest/gtest.h>

#include "tests/unit/decide_table.h"

namespace cube {
namespace {

class DecideHooks : public DecideTable {
 protected:
  void staged() {
    apply();
    world_.target_seal = seal_of(update_.release, update_.attempt);
    world_.done.health_asked = world_.done.let_go = false;
  }
  // The update of the phase that the step records.
  Update recorded(Phase phase) {
    const Step step = in(std::move(phase));
    const auto* record = std::get_if<step::Record>(&step);
    const Update* update = record == nullptr ? nullptr : update_of(record->journal.phase);
    return update == nullptr ? Update{} : *update;
  }
  Cause cause_of(Phase phase) {
    const Step step = in(std::move(phase));
    const auto* record = std::get_if<step::Record>(&step);
    const auto* back =
        record == nullptr ? nullptr : std::get_if<RollingBack>(&record->journal.phase);
    return back == nullptr ? Cause::none : back->why.cause;
  }
};

TEST_F(DecideHooks, HealthThenHooksAreAskedBeforeTheArming) {
  staged();
  EXPECT_EQ(next(Staged{update_}), "ASK-HEALTH");
  world_.done.health_asked = true;
  world_.failing = {"10-clock"};
  EXPECT_EQ(next(Staged{update_}), "PREPARE-RESTART");
  world_.done.let_go = true;
  EXPECT_EQ(next(Staged{update_}), "arming");
  const Update armed = recorded(Staged{update_});
  EXPECT_EQ(armed.failed_before, (std::vector<std::string>{"10-clock"}));
  EXPECT_TRUE(armed.drained);
}

TEST_F(DecideHooks, NothingIsSealedOrArmedThatNobodyLookedAheadTo) {
  staged();
  world_.done.looked_ahead = false;
  EXPECT_EQ(next(Staged{update_}), "LOOK-AHEAD");
  world_.done.fetched = world_.done.withdrawn = world_.done.filled = world_.done.verified = true;
  world_.target_seal.reset();
  EXPECT_EQ(next(Filling{update_}), "LOOK-AHEAD");
  world_.done.looked_ahead = true;
  EXPECT_EQ(next(Filling{update_}), "WRITE-SEAL");
}

TEST_F(DecideHooks, WhatWaiversLetThroughGoesAlongIntoTheHistory) {
  staged();
  world_.done.health_asked = world_.done.let_go = true;
  world_.waived = {"lock:kernel by root until 2026-12-25T00:00:00Z: tested"};
  const Update armed = recorded(Staged{update_});
  EXPECT_EQ(armed.waived, world_.waived);
  world_.waived.clear();
  world_.failure = Error{Errc::failed, "no", 0};
  EXPECT_EQ(ended(Staged{armed}).waived, armed.waived);
}

TEST_F(DecideHooks, WhatIsForeseenEndsTheUpdateWithoutBlame) {
  staged();
  world_.failure = Error{Errc::refused, "megaraid_sas is missing", 0};
  for (const Phase& phase : {Phase(Filling{update_}), Phase(Staged{update_})}) {
    const auto end = ended(phase);
    EXPECT_EQ(end.outcome, Outcome::abandoned);
    EXPECT_EQ(end.why, (Why{Cause::foreseen, "megaraid_sas is missing"}));
  }
  const Step step = in(Staged{update_});
  EXPECT_TRUE(std::get<step::Record>(step).journal.denied.empty());
}

TEST_F(DecideHooks, AReturnGoesWhereThisMachineWas) {
  staged();
  world_.done.looked_ahead = false;
  update_.returning = true;
  world_.candidate = update_;
  world_.done.verified = world_.done.health_asked = true;
  EXPECT_EQ(next(Staged{update_}), "PREPARE-RESTART");
}

TEST_F(DecideHooks, WhoRestartsTheMachineByHandAsksNoHooks) {
  staged();
  world_.done.health_asked = true;
  world_.may_reboot = false;
  EXPECT_EQ(next(Staged{update_}), "arming");
  EXPECT_FALSE(recorded(Staged{update_}).drained);
  world_.may_reboot = true;
  update_.unattended = false;
  world_.candidate = update_;
  EXPECT_EQ(next(Staged{update_}), "arming");
}

TEST_F(DecideHooks, ARefusalIsWrittenDownAndHoldsBack) {
  staged();
  world_.done.health_asked = true;
  world_.refusal = "pre-reboot.d/drain: VMs are still moving";
  EXPECT_EQ(next(Staged{update_}), "staged");
  const Update held = recorded(Staged{update_});
  EXPECT_EQ(held.held, world_.refusal);
  world_.candidate = held;
  EXPECT_EQ(next(Staged{held}), "REST");
  world_.refusal.clear();
  EXPECT_EQ(next(Staged{held}), "PREPARE-RESTART") << "asked anew";
  world_.done.let_go = true;
  EXPECT_EQ(recorded(Staged{held}).held, "");
}

TEST_F(DecideHooks, ARefusedReturnIsGivenUpWithoutBlame) {
  staged();
  update_.returning = true;
  world_.candidate = update_;
  world_.done.verified = true;
  world_.refusal = "no";
  world_.failure = Error{Errc::refused, "no", 0};
  const auto end = ended(Staged{update_});
  EXPECT_EQ(end.outcome, Outcome::abandoned);
  EXPECT_EQ(end.why.cause, Cause::held);
  const Step step = in(Staged{update_});
  EXPECT_EQ(std::get<step::Record>(step).journal.hooks_due, update_.attempt)
      << "who was drained hears that nothing comes of it";
}

TEST_F(DecideHooks, MigrationsComeOneByOneBeforeHealth) {
  run_trial();
  update_.tried_in = world_.boot_id;
  for (const Wish wish : {Wish::resume, Wish::commit}) {
    world_.wish = wish;
    world_.next_migration = "10-db";
    world_.done.migrated.clear();
    const Step step = in(Trying{update_});
    ASSERT_EQ(next(Trying{update_}), "MIGRATE");
    EXPECT_EQ(std::get<step::Migrate>(step).hook, "10-db");
    world_.done.migrated = "10-db";
    EXPECT_EQ(recorded(Trying{update_}).migrated, "10-db");
    world_.next_migration = "20-net";
    EXPECT_EQ(next(Trying{update_}), "MIGRATE") << "the next one";
  }
  world_.next_migration.clear();
  EXPECT_EQ(next(Trying{update_}), "CHECK-HEALTH");
}

TEST_F(DecideHooks, AFailedMigrationEndsTheTrialAndAReturnHasNone) {
  run_trial();
  world_.wish = Wish::commit;
  world_.next_migration = "10-db";
  world_.migration_failure = "migrate.d/10-db: no";
  EXPECT_EQ(cause_of(Trying{update_}), Cause::migration);
  world_.migration_failure.clear();
  update_.returning = true;
  EXPECT_EQ(next(Trying{update_}), "CHECK-HEALTH");
}

TEST_F(DecideHooks, AKnownKexecOrSoftRebootIsNoTrial) {
  for (const StartedBy how : {StartedBy::kexec, StartedBy::soft_reboot}) {
    run_trial();
    world_.wish = Wish::commit;
    world_.started_by = how;
    EXPECT_EQ(next(Trying{update_}), "REBOOT") << to_string(how);
    world_.may_reboot = false;
    EXPECT_EQ(next(Trying{update_}), "REST");
    world_.may_reboot = true;
    world_.booted = SlotId::a;
    world_.boot = BootState{SlotId::b, std::nullopt, false};
    EXPECT_EQ(next(Idle{}), "FAIL") << "nor is it ground for a commit by hand";
  }
}

TEST_F(DecideHooks, WhatTheLoaderDidNotCountIsNoTrial) {
  run_trial();
  world_.wish = Wish::commit;
  update_.tries_seen = 1;  // as counted
  update_.tried_in = "this-boot";
  EXPECT_EQ(next(Trying{update_}), "CHECK-HEALTH");
  update_.tried_in = "an-earlier-boot";
  EXPECT_EQ(next(Trying{update_}), "REBOOT");
  update_.tries_seen = 0;
  EXPECT_EQ(next(Trying{update_}), "CHECK-HEALTH") << "the loader counted another start";
  trial(true, 3, 0);
  EXPECT_EQ(next(Armed{update_, "another-boot"}), "REBOOT") << "the offer still stands";
  EXPECT_EQ(next(Armed{update_, "this-boot"}), "REST") << "the kernel that armed it still runs";
}

TEST_F(DecideHooks, ATrialRemembersTheBootItBeganIn) {
  run_trial();
  EXPECT_EQ(recorded(Armed{update_, "another-boot"}).tried_in, "this-boot");
  world_.booted = SlotId::a;
  update_.tried_in = "this-boot";
  EXPECT_EQ(recorded(Trying{update_}).tried_in, "") << "armed again";
}

TEST_F(DecideHooks, HooksAreDueAfterCommitAndRollbackUntilTheyHaveRun) {
  world_.booted = SlotId::b;
  world_.boot = BootState{SlotId::b, std::nullopt, false};
  update_.release.schema = 3;
  Step step = in(Committing{update_});
  journal_ = std::get<step::Record>(step).journal;
  EXPECT_EQ(journal_.hooks_due, update_.attempt);
  EXPECT_EQ(journal_.schema, 3U);
  EXPECT_EQ(next(Idle{}), "REST") << "early in a boot nobody waits for them";
  world_.runs_hooks = true;
  EXPECT_EQ(next(Idle{}), "RUN-HOOKS");
  world_.done.hooks_run = true;
  step = in(Idle{});
  EXPECT_EQ(std::get<step::Record>(step).journal.hooks_due, 0U);
}

TEST_F(DecideHooks, RedHooksAlsoRunInTheTrialThatFailed) {
  run_trial();
  world_.boot->trial.reset();
  const RollingBack phase{update_, {Cause::health, "check"}};
  EXPECT_EQ(next(phase), "REBOOT");
  world_.runs_hooks = true;
  EXPECT_EQ(next(phase), "RUN-HOOKS");
  world_.done.hooks_run = true;
  EXPECT_EQ(next(phase), "REBOOT");
}

TEST_F(DecideHooks, ARehearsalFailsAsAskedAndIsNeverCommitted) {
  update_.returning = true;
  run_trial();
  for (const auto how : {Rehearsal::panic, Rehearsal::hang}) {
    update_.rehearsal = how;
    for (const Wish wish : {Wish::resume, Wish::commit}) {
      world_.wish = wish;
      EXPECT_EQ(next(Trying{update_}), "FAIL-ON-PURPOSE");
    }
  }
  update_.rehearsal = Rehearsal::sick;
  world_.wish = Wish::resume;
  EXPECT_EQ(next(Trying{update_}), "REST");
  world_.wish = Wish::commit;
  EXPECT_EQ(next(Trying{update_}), "CHECK-HEALTH");
  for (const auto health : {Health::passed, Health::failed})
    for (const auto how : {Rehearsal::panic, Rehearsal::hang, Rehearsal::sick}) {
      update_.rehearsal = how;
      world_.health = health;
      EXPECT_EQ(next(Trying{update_}), "rolling-back");
    }
}

TEST_F(DecideHooks, AFailureThatCannotBeMadeEndsTheRehearsal) {
  update_.returning = true;
  update_.rehearsal = Rehearsal::panic;
  run_trial();
  world_.failure = Error{Errc::failed, "/proc/sysrq-trigger: none", 0};
  EXPECT_EQ(next(Trying{update_}), "rolling-back");
}

TEST_F(DecideHooks, ARehearsalIsHeldAgainstNobodyAndTimesTheReturn) {
  update_.returning = true;
  update_.rehearsal = Rehearsal::panic;
  update_.left = 1900;
  world_.done.evidence_kept = true;
  const auto step = in(RollingBack{update_, {Cause::panic, "sysrq triggered crash"}});
  const auto* record = std::get_if<step::Record>(&step);
  ASSERT_NE(record, nullptr);
  EXPECT_TRUE(record->journal.denied.empty());
  const Attempt& attempt = record->journal.history.back();
  EXPECT_EQ(attempt.outcome, Outcome::rehearsed);
  EXPECT_EQ(attempt.rehearsal, Rehearsal::panic);
  EXPECT_EQ(attempt.away, 100);
  for (const auto cause : {Cause::never_started, Cause::breadcrumb, Cause::health, Cause::deadline,
                           Cause::rollback_asked})
    EXPECT_EQ(ended(RollingBack{update_, {cause, ""}}).outcome, Outcome::abandoned)
        << to_string(cause) << " is no panic that was seen to end";
  world_.now = 1000;  // the clock was set back
  EXPECT_EQ(ended(RollingBack{update_, {Cause::panic, ""}}).away, 0);
}

TEST_F(DecideHooks, AnInterruptedRehearsalIsNotGoneOnWith) {
  update_.returning = true;
  update_.rehearsal = Rehearsal::hang;
  world_.wish = Wish::resume;
  EXPECT_EQ(ended(Staged{update_}).outcome, Outcome::abandoned);
}

}  // namespace
}  // namespace cube
