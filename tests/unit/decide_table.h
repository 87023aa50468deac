// A world to decide in, an update on its way, and short names for what was decided.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>

#include "model/decide.h"

namespace cube {

inline Release release_named(const std::string& version, char digit) {
  Release release;
  release.name = ReleaseName::parse("CUBE_" + version + "_20260101-0000_abcd1234").value();
  release.manifest_sha256 = std::string(64, digit);
  release.commit = std::string(64, digit);
  release.epoch = 1;
  return release;
}

inline Update update_to(SlotId target) {
  Update update;
  update.attempt = 1;
  update.release = release_named("2.0.0", 'b');
  update.target = target;
  update.from_release = "CUBE_1.0.0_20250101-0000_abcd1234";
  update.started = 1000;
  update.armings = 1;
  return update;
}

inline Seal seal_of(const Release& release, std::uint64_t attempt) {
  return {release.name.text, release.manifest_sha256, release.commit, release.epoch, attempt};
}

class DecideTable : public testing::Test {
 protected:
  DecideTable() {
    world_.boot_id = "this-boot";
    world_.now = 2000;
    world_.boot = BootState{SlotId::a, std::nullopt, false};
    world_.done.looked_ahead = world_.done.health_asked = world_.done.let_go = true;
  }

  void trial(bool offered, int left, int done) {
    world_.boot->trial = Trial{SlotId::b, left, done};
    world_.boot->offered = offered;
  }
  void apply() { wish(Wish::apply); }
  void wish(Wish wish) {
    world_.wish = wish;
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
    constexpr std::array<const char*, 21> names{
        "record",          "FETCH",      "STAGE",     "REJECT",       "UNSEAL",
        "FILL",            "VERIFY",     "LOOK-AHEAD", "WRITE-SEAL", "ARM",         "REBOOT",
        "CHECK-HEALTH",    "ASK-HEALTH", "PREPARE-RESTART", "MIGRATE", "RUN-HOOKS",
        "FAIL-ON-PURPOSE", "BLESS",      "KEEP-EVIDENCE", "REST",     "FAIL"};
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

}  // namespace cube
