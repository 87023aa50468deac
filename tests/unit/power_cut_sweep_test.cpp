// The first test of the project: cut the power around every effect of an update, up to three times,
// for every kind of release, loader and number of tries, and check the promises at every instant.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ostream>
#include <sstream>

#include "tests/support/sweep_machine.h"
#include "tests/support/verified_release.h"

namespace cube {
namespace {

std::string describe(const Scenario& scenario, const std::vector<int>& cuts) {
  std::ostringstream out;
  out << (scenario.loader == LoaderKind::grub ? "grub" : "systemd-boot") << " fate "
      << static_cast<int>(scenario.fate) << (scenario.leaves_evidence ? " evidence" : "")
      << (scenario.reset_late ? " late" : "") << (scenario.fetches_first ? " fetched" : "")
      << (scenario.in_window ? " in-window" : "") << (scenario.has_bmc ? " bmc" : "")
      << (scenario.migrates ? " migrates" : "") << (scenario.sick_before ? " sick-before" : "")
      << (scenario.holds_first ? " holds" : "") << (scenario.long_outages ? " long-outages" : "")
      << (scenario.rehearsal == Rehearsal::none ? "" : " rehearsal ")
      << (scenario.rehearsal == Rehearsal::none ? "" : to_string(scenario.rehearsal)) << " tries "
      << scenario.tries << " cuts";
  for (const int cut : cuts) out << ' ' << cut;
  return out.str();
}

std::vector<Scenario> scenarios() {
  std::vector<Scenario> all;
  for (const auto loader : {LoaderKind::grub, LoaderKind::systemd_boot})
    for (const int tries : {1, 2, 3}) {
      all.push_back({loader, Fate::good, false, false, tries});
      all.push_back({loader, Fate::sick, false, false, tries});
      all.push_back({loader, Fate::foreseen, false, false, tries});
      all.push_back({loader, Fate::hangs, false, false, tries});
      all.push_back({loader, Fate::hangs, false, true, tries});
      all.push_back({loader, Fate::panics, false, false, tries});
      all.push_back({loader, Fate::panics, true, false, tries});
    }
  // The same releases, downloaded ahead, and in a maintenance window.
  const std::size_t directly = all.size();
  for (std::size_t i = 0; i < directly; ++i) {
    if (all[i].tries != 3) continue;
    all.push_back(all[i]);
    all.back().fetches_first = true;
    all.push_back(all[i]);
    all.back().in_window = true;
  }
  for (const auto loader : {LoaderKind::grub, LoaderKind::systemd_boot})
    for (const auto fate : {Fate::good, Fate::sick, Fate::hangs}) {
      all.push_back({loader, fate, false, false, 3});
      all.back().has_bmc = true;
    }
  // With hooks, and on a machine that was not well before.
  for (const auto loader : {LoaderKind::grub, LoaderKind::systemd_boot}) {
    for (const auto fate : {Fate::good, Fate::sick, Fate::cannot_migrate}) {
      all.push_back({loader, fate, false, false, 3});
      all.back().migrates = true;
      all.push_back(all.back());
      all.back().sick_before = true;
    }
    all.push_back({loader, Fate::good, false, false, 3});
    all.back().holds_first = true;
    all.push_back({loader, Fate::good, false, false, 3});
    all.back().has_bmc = all.back().long_outages = true;
  }
  // A good release that fails on purpose.
  for (const auto loader : {LoaderKind::grub, LoaderKind::systemd_boot}) {
    for (const auto how : {Rehearsal::panic, Rehearsal::hang, Rehearsal::sick}) {
      all.push_back({loader, Fate::good, how == Rehearsal::panic, false, 1});
      all.back().rehearsal = how;
      all.push_back(all.back());
      all.back().leaves_evidence = false;
      all.back().has_bmc = true;
    }
  }
  return all;
}

// What a rehearsal comes to that nothing disturbs.
Cause rehearsed_cause(const Scenario& scenario) {
  if (scenario.rehearsal == Rehearsal::sick) return Cause::health;
  if (scenario.rehearsal == Rehearsal::hang && scenario.has_bmc) return Cause::watchdog;
  return scenario.leaves_evidence ? Cause::panic : Cause::tries_exhausted;
}

class PowerCutSweep : public testing::Test {
 protected:
  // One run; false when it ended before the last cut was due, so longer delays need no trying.
  bool play(const Scenario& scenario, const std::vector<int>& cuts) {
    SweepMachine machine(scenario, old_release(), new_release(), cuts);
    try {
      machine.play();
    } catch (const Violation& violation) {
      ADD_FAILURE() << violation.what << " -- " << describe(scenario, cuts);
      ++violations_;
      return true;
    }
    if (machine.power().cuts_made() < cuts.size()) return false;
    ++runs_;
    judge(machine, scenario, cuts);
    return true;
  }

  void judge(const SweepMachine& machine, const Scenario& scenario, const std::vector<int>& cuts) {
    const Disk& disk = machine.disk();
    const auto& last = disk.journal.history.back();
    const bool committed = last.outcome == Outcome::committed;
    EXPECT_EQ(last.tries_done, machine.trial_starts()) << "history -- " << describe(scenario, cuts);
    bool well = std::holds_alternative<Idle>(disk.journal.phase) && !disk.offered && !disk.trial;
    if (scenario.rehearsal != Rehearsal::none) {
      well = well && disk.fallback == SlotId::a && machine.trial_starts() <= 1 &&
             disk.journal.denied.empty() && last.rehearsal == scenario.rehearsal &&
             (last.outcome == Outcome::rehearsed || last.outcome == Outcome::abandoned);
      if (cuts.empty())
        well = well && last.outcome == Outcome::rehearsed && last.away > 0 &&
               last.why.cause == rehearsed_cause(scenario);
    } else if (scenario.fate == Fate::good) {
      // Promise 6: with three tries no single cut loses a good release; n cuts cost at most n
      // tries. Of long outages the BMC knows only in a trial that it watched from before the
      // restart.
      const int harmless = scenario.long_outages ? 2 : scenario.tries;
      if (static_cast<int>(cuts.size()) < harmless) well = well && committed;
      if (!committed) ++good_lost_;
    } else {
      // Promise 5: rolled back and remembered; only what never started is not held against it.
      well = well && !committed && disk.fallback == SlotId::a &&
             is_denied(disk.journal, new_release().get()) == (machine.trial_starts() > 0);
      // A death with evidence is not repeated; only a cut that came before it was seen may be.
      const bool certain = scenario.leaves_evidence || scenario.reset_late || scenario.has_bmc ||
                           scenario.fate == Fate::sick || scenario.fate == Fate::cannot_migrate;
      if (certain) well = well && machine.trial_starts() <= 1 + static_cast<int>(cuts.size());
      well = well && machine.trial_starts() <= scenario.tries;
      if (scenario.fate == Fate::foreseen)
        well = well && machine.trial_starts() == 0 && last.why.cause == Cause::foreseen;
      if (scenario.has_bmc && scenario.fate == Fate::hangs && cuts.empty())
        well = well && last.why.cause == Cause::watchdog;
    }
    well = well && committed == (disk.fallback == SlotId::b);
    // Once in an attempt; only a cut between its end and the note of it repeats one.
    well = well && machine.last_migrations() <= 1 + static_cast<int>(cuts.size());
    if (cuts.empty() && scenario.migrates)
      well = well && machine.last_migrations() == (scenario.fate == Fate::cannot_migrate ? 0 : 1);
    if (cuts.empty() && scenario.fate == Fate::cannot_migrate)
      well = well && last.why.cause == Cause::migration;
    if (!well) {
      ADD_FAILURE() << "ends wrong: " << to_string(last.outcome) << " ("
                    << to_string(last.why.cause) << "), " << machine.trial_starts() << " starts -- "
                    << describe(scenario, cuts);
      ++violations_;
    }
  }

  // All ways to cut `depth` times; `stride` skips first instants to make a sample.
  void sweep(const Scenario& scenario, std::vector<int> cuts, int depth, int stride) {
    for (int at = 1; violations_ < 10; at += stride) {
      cuts.push_back(at);
      if (!play(scenario, cuts)) return;
      if (depth > 1) sweep(scenario, cuts, depth - 1, stride);
      cuts.pop_back();
    }
  }

  void report(const char* name) {
    std::cout << name << ": " << runs_ << " runs, " << good_lost_
              << " good releases lost (only where cuts >= tries)\n";
    RecordProperty("runs", std::to_string(runs_));
  }

  int runs_ = 0;
  int good_lost_ = 0;
  int violations_ = 0;
};

TEST_F(PowerCutSweep, NoCut) {
  for (const auto& scenario : scenarios()) EXPECT_TRUE(play(scenario, {}));
  EXPECT_EQ(runs_, 104);
}

TEST_F(PowerCutSweep, OneCut) {
  for (const auto& scenario : scenarios()) sweep(scenario, {}, 1, 1);
  report("one cut");
  EXPECT_GT(runs_, 500) << "the sweep has shrunk";
}

TEST_F(PowerCutSweep, TwoCuts) {
  for (const auto& scenario : scenarios()) sweep(scenario, {}, 2, 1);
  report("two cuts");
  EXPECT_GT(runs_, 10000) << "the sweep has shrunk";
}

// Every fifth instant by default; CUBE_FULL_SWEEP=1 takes all (the release build needs about a
// minute).
TEST_F(PowerCutSweep, ThreeCuts) {
  const int stride = std::getenv("CUBE_FULL_SWEEP") != nullptr ? 1 : 5;
  for (const auto& scenario : scenarios()) sweep(scenario, {}, 3, stride);
  report("three cuts");
  EXPECT_GT(runs_, 5000) << "the sweep has shrunk";
}

}  // namespace
}  // namespace cube
