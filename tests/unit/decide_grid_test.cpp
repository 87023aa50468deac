// decide() over a grid of worlds: no phase, whatever the world looks like, may endanger the running
// slot or the fallback.
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "tests/unit/decide_table.h"

namespace cube {
namespace {

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
  for (const Wish wish : {Wish::resume, Wish::fetch, Wish::apply, Wish::commit, Wish::rollback})
    for (const Health health : {Health::unknown, Health::passed, Health::failed})
      for (const auto& seal : seals(update))
        for (unsigned bits = 0; bits < 64; ++bits) {
          world.wish = wish;
          world.candidate.reset();
          if (wish == Wish::apply || wish == Wish::fetch) world.candidate = update;
          world.health = health;
          world.target_seal = seal;
          const unsigned progress = bits & 3U;
          const bool settled = (bits & 4U) != 0;
          world.done = {progress >= 1, settled, settled, progress >= 2, progress >= 3, settled};
          world.done.health_asked = world.done.let_go = settled;
          world.may_reboot = (bits & 8U) != 0;
          world.evidence = {(bits & 16U) != 0 ? Cause::panic : Cause::none, ""};
          world.failure.reset();
          // Every second failure is one that may pass.
          if ((bits & 32U) != 0)
            world.failure = Error{settled ? Errc::unreachable : Errc::failed, "failed", 0};
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
  if (!in_order || world.wish == Wish::apply || world.wish == Wish::fetch) return {};
  return std::holds_alternative<step::Rest>(step) || std::holds_alternative<step::Fail>(step);
}

Says reboots_only_when_allowed(const Journal&, const World& world, const Step& step) {
  if (!std::holds_alternative<step::Reboot>(step)) return {};
  return world.may_reboot;
}

Says a_download_changes_no_slot(const Journal& journal, const World& world, const Step& step) {
  const bool before_filling = std::holds_alternative<Idle>(journal.phase) ||
                              std::holds_alternative<Fetching>(journal.phase) ||
                              std::holds_alternative<Fetched>(journal.phase);
  if (world.wish != Wish::fetch || !before_filling) return {};
  const auto* record = std::get_if<step::Record>(&step);
  const bool fills = record != nullptr && std::holds_alternative<Filling>(record->journal.phase);
  return !fills && !endangered_by(step) && !std::holds_alternative<step::Reboot>(step);
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
      {"slot changed by a download", &a_download_changes_no_slot, 0, 0, ""},
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

}  // namespace
}  // namespace cube
