// decide() over a grid of worlds: no phase, whatever the world looks like, may endanger the running
// slot or the fallback; and the table of the protocol, case by case.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <vector>

#include "model/decide.h"

namespace cube {
namespace {

Release release_named(const std::string& version, char digit) {
  Release release;
  release.name = ReleaseName::parse("CUBE_" + version + "_20260101-0000_abcd1234").value();
  release.manifest_sha256 = std::string(64, digit);
  release.commit = std::string(64, digit);
  release.epoch = 1;
  return release;
}

Update update_to(SlotId target) {
  Update update;
  update.attempt = 1;
  update.release = release_named("2.0.0", 'b');
  update.target = target;
  update.from_release = "CUBE_1.0.0_20250101-0000_abcd1234";
  update.started = 1000;
  update.armings = 1;
  return update;
}

Seal seal_of(const Release& release, std::uint64_t attempt) {
  return {release.name.text, release.manifest_sha256, release.commit, release.epoch, attempt};
}

std::vector<Phase> phases_of(const Update& update) {
  return {Idle{},
          Fetching{update},
          Fetched{update},
          Filling{update},
          Staged{update},
          Arming{update},
          Armed{update, "this-boot"},
          Armed{update, "another-boot"},
          Trying{update},
          Committing{update},
          RollingBack{update, {Cause::panic, ""}}};
}

std::vector<std::optional<BootState>> boot_states() {
  std::vector<std::optional<BootState>> states{std::nullopt};
  for (const SlotId fallback : {SlotId::a, SlotId::b}) {
    states.push_back(BootState{fallback, std::nullopt, false});
    // The port never shows a trial of the fallback (boot/boot_control.h).
    for (const bool offered : {false, true})
      for (const int left : {0, 1})
        for (const int done : {0, 1})
          states.push_back(BootState{fallback, Trial{other(fallback), left, done}, offered});
  }
  return states;
}

std::vector<std::optional<Seal>> seals(const Update& update) {
  return {std::nullopt, seal_of(update.release, update.attempt),
          seal_of(release_named("3.0.0", 'c'), 9)};
}

using Visit = std::function<void(const Journal&, const World&, const Step&)>;

// Everything about a world that is not the phase, the place and the loader's records.
void vary(World world, const Journal& journal, const Update& update, const Visit& visit) {
  for (const Wish wish : {Wish::resume, Wish::apply, Wish::commit, Wish::rollback})
    for (const Health health : {Health::unknown, Health::passed, Health::failed})
      for (const auto& seal : seals(update))
        for (unsigned bits = 0; bits < 64; ++bits) {
          world.wish = wish;
          world.candidate.reset();
          if (wish == Wish::apply) world.candidate = update;
          world.health = health;
          world.target_seal = seal;
          const unsigned progress = bits & 3U;
          const bool settled = (bits & 4U) != 0;
          world.done = {progress >= 1, settled, progress >= 2, progress >= 3, settled};
          world.may_reboot = (bits & 8U) != 0;
          world.evidence = {(bits & 16U) != 0 ? Cause::panic : Cause::none, ""};
          world.failure.reset();
          if ((bits & 32U) != 0) world.failure = Error{Errc::failed, "failed", 0};
          visit(journal, world, decide(journal, world));
        }
}

void over_the_grid(const Visit& visit) {
  World world;
  world.boot_id = "this-boot";
  world.now = 2000;
  for (const SlotId booted : {SlotId::a, SlotId::b})
    for (const auto& phase : phases_of(update_to(SlotId::b)))
      for (const bool trial_boot : {false, true})
        for (const auto& boot : boot_states()) {
          Journal journal;
          journal.attempts = 1;
          journal.phase = phase;
          world.booted = booted;
          world.trial_boot = trial_boot;
          world.boot = boot;
          vary(world, journal, update_to(SlotId::b), visit);
        }
}

// The slot that the step would write into or offer to the loader.
std::optional<SlotId> endangered_by(const Step& step) {
  if (const auto* s = std::get_if<step::Unseal>(&step)) return s->slot;
  if (const auto* s = std::get_if<step::Fill>(&step)) return s->slot;
  if (const auto* s = std::get_if<step::WriteSeal>(&step)) return s->slot;
  if (const auto* s = std::get_if<step::Arm>(&step)) return s->slot;
  return std::nullopt;
}

std::string told(const Journal& journal, const World& world) {
  std::string text(name_of(journal.phase));
  text += ", booted " + std::string(to_string(world.booted)) +
          (world.trial_boot ? " on trial" : "") + ", wish " +
          std::to_string(static_cast<int>(world.wish)) + ", health " +
          std::to_string(static_cast<int>(world.health));
  if (!world.boot) return text + ", records unreadable";
  text += ", fallback " + std::string(to_string(world.boot->fallback));
  if (world.boot->trial)
    text += ", trial " + std::string(to_string(world.boot->trial->slot)) +
            (world.boot->offered ? " offered" : " not offered");
  return text;
}

// A rule says of a step in a world: nullopt, when it is not about it, or whether it holds.
using Says = std::optional<bool>;

Says running_slot_is_neither_written_nor_armed(const Journal&, const World& world,
                                               const Step& step) {
  const auto slot = endangered_by(step);
  if (!slot) return {};
  return *slot != world.booted;
}

Says fallback_is_neither_written_nor_armed(const Journal&, const World& world, const Step& step) {
  const auto slot = endangered_by(step);
  if (!slot) return {};
  return world.boot && *slot != world.boot->fallback;
}

Says slot_is_changed_only_when_no_record_names_it(const Journal&, const World& world,
                                                  const Step& step) {
  const bool changes =
      std::holds_alternative<step::Unseal>(step) || std::holds_alternative<step::Fill>(step);
  if (!changes) return {};
  return world.done.withdrawn && !world.boot->trial;
}

Says running_slot_is_rejected_only_on_trial(const Journal&, const World& world, const Step& step) {
  const auto* reject = std::get_if<step::Reject>(&step);
  if (reject == nullptr) return {};
  if (!world.boot || reject->slot == world.boot->fallback) return false;
  return reject->slot != world.booted ||
         (world.boot->trial && world.boot->trial->slot == world.booted);
}

Says only_the_healthy_running_slot_is_blessed(const Journal&, const World& world,
                                              const Step& step) {
  const auto* bless = std::get_if<step::Bless>(&step);
  if (bless == nullptr) return {};
  const bool already = world.boot && world.boot->fallback == bless->slot;
  return bless->slot == world.booted && (world.health == Health::passed || already);
}

Says a_record_changes_the_journal(const Journal& journal, const World&, const Step& step) {
  const auto* record = std::get_if<step::Record>(&step);
  if (record == nullptr) return {};
  return !(record->journal == journal);
}

Says arming_begins_with_a_seal_of_the_update(const Journal& journal, const World& world,
                                             const Step& step) {
  const auto* record = std::get_if<step::Record>(&step);
  if (!std::holds_alternative<Staged>(journal.phase) || record == nullptr ||
      !std::holds_alternative<Arming>(record->journal.phase))
    return {};
  return world.target_seal &&
         world.target_seal->manifest_sha256 == update_of(journal.phase)->release.manifest_sha256;
}

Says floor_rises_only_after_a_commit(const Journal& journal, const World& world, const Step& step) {
  const auto* record = std::get_if<step::Record>(&step);
  if (record == nullptr || record->journal.floor == journal.floor) return {};
  return world.boot && world.boot->fallback == update_of(journal.phase)->target &&
         !world.boot->trial;
}

Says an_idle_machine_in_order_is_left_alone(const Journal& journal, const World& world,
                                            const Step& step) {
  const bool in_order = std::holds_alternative<Idle>(journal.phase) && world.boot &&
                        world.boot->fallback == world.booted && !world.boot->trial;
  if (!in_order || world.wish == Wish::apply) return {};
  return std::holds_alternative<step::Rest>(step) || std::holds_alternative<step::Fail>(step);
}

Says reboots_only_when_allowed(const Journal&, const World& world, const Step& step) {
  if (!std::holds_alternative<step::Reboot>(step)) return {};
  return world.may_reboot;
}

struct Rule {
  const char* name;
  Says (*says)(const Journal&, const World&, const Step&);
  int kept = 0;
  int broken = 0;
  std::string first;  // world in which it was broken
};

TEST(DecideGrid, EveryRuleHoldsEverywhere) {
  std::vector<Rule> rules{
      {"running slot written or armed", &running_slot_is_neither_written_nor_armed, 0, 0, ""},
      {"fallback written or armed", &fallback_is_neither_written_nor_armed, 0, 0, ""},
      {"slot changed that a record names", &slot_is_changed_only_when_no_record_names_it, 0, 0, ""},
      {"running slot rejected, not on trial", &running_slot_is_rejected_only_on_trial, 0, 0, ""},
      {"blessed without health", &only_the_healthy_running_slot_is_blessed, 0, 0, ""},
      {"record of the same journal", &a_record_changes_the_journal, 0, 0, ""},
      {"armed without a seal", &arming_begins_with_a_seal_of_the_update, 0, 0, ""},
      {"floor risen without a commit", &floor_rises_only_after_a_commit, 0, 0, ""},
      {"idle machine disturbed", &an_idle_machine_in_order_is_left_alone, 0, 0, ""},
      {"reboot that is not allowed", &reboots_only_when_allowed, 0, 0, ""},
  };
  over_the_grid([&](const Journal& journal, const World& world, const Step& step) {
    for (auto& rule : rules) {
      const Says says = rule.says(journal, world, step);
      if (!says) continue;
      if (!*says && rule.broken++ == 0) rule.first = told(journal, world);
      if (*says) ++rule.kept;
    }
  });
  for (const auto& rule : rules) {
    EXPECT_EQ(rule.broken, 0) << rule.name << "; first: " << rule.first;
    EXPECT_GT(rule.kept, 20) << "the grid does not meet: " << rule.name;
  }
}

// --- The table ----------------------------------------------------------------------------------

class DecideTable : public testing::Test {
 protected:
  DecideTable() {
    world_.boot_id = "this-boot";
    world_.now = 2000;
    world_.boot = BootState{SlotId::a, std::nullopt, false};
  }

  void trial(bool offered, int left, int done) {
    world_.boot->trial = Trial{SlotId::b, left, done};
    world_.boot->offered = offered;
  }
  void apply() {
    world_.wish = Wish::apply;
    world_.candidate = update_;
  }
  void run_trial() {
    world_.booted = SlotId::b;
    world_.trial_boot = true;
    trial(false, 2, 1);
  }
  Step in(Phase phase) {
    journal_.phase = std::move(phase);
    return decide(journal_, world_);
  }
  // The phase that is recorded; the kind of step otherwise.
  std::string next(Phase phase) {
    const Step step = in(std::move(phase));
    if (const auto* record = std::get_if<step::Record>(&step))
      return std::string(name_of(record->journal.phase));
    constexpr std::array<const char*, 14> names{
        "record", "FETCH",  "REJECT",       "UNSEAL", "FILL",          "VERIFY", "WRITE-SEAL",
        "ARM",    "REBOOT", "CHECK-HEALTH", "BLESS",  "KEEP-EVIDENCE", "REST",   "FAIL"};
    return names.at(step.index());
  }
  // What came of the update that this step ends.
  Attempt ended(Phase phase) {
    const Step step = in(std::move(phase));
    const auto* record = std::get_if<step::Record>(&step);
    if (record == nullptr || record->journal.history.empty()) return {};
    return record->journal.history.back();
  }

  Update update_ = update_to(SlotId::b);
  Journal journal_;
  World world_;
};

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
  EXPECT_EQ(next(Fetching{update_}), "fetched");
  world_.failure = Error{Errc::unreachable, "no answer", 0};
  EXPECT_EQ(ended(Fetching{update_}).why.cause, Cause::fetch_failed);
}

TEST_F(DecideTable, FillingUnsealsFillsVerifiesSealsInThisOrder) {
  apply();
  world_.target_seal = seal_of(release_named("1.0.0", 'a'), 0);
  EXPECT_EQ(next(Filling{update_}), "REJECT") << "without a trial, too";
  world_.done.withdrawn = true;
  EXPECT_EQ(next(Filling{update_}), "UNSEAL");
  world_.target_seal.reset();
  world_.done.fetched = true;
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

TEST_F(DecideTable, FillingAfterARestartFetchesAgain) {
  apply();
  world_.done.withdrawn = true;
  EXPECT_EQ(next(Filling{update_}), "fetching");
}

TEST_F(DecideTable, StagedWithAnotherSealIsFilledAgain) {
  apply();
  EXPECT_EQ(next(Staged{update_}), "filling");
  world_.target_seal = seal_of(update_.release, update_.attempt);
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
