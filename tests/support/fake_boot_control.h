// FakeBootControl: a boot loader in memory, held to the same contract suite as the real adapters.
// Illegal calls are answered as the port says (Errc::bug), so a caller's mistake shows in its test.
#pragma once

#include <algorithm>
#include <optional>

#include "boot/boot_control.h"

namespace cube {

// What the loader started.
struct Started {
  SlotId slot{};
  bool trial = false;

  friend bool operator==(const Started&, const Started&) = default;
};

class FakeBootControl final : public BootControl {
 public:
  explicit FakeBootControl(SlotId fallback = SlotId::a) : state_{fallback, std::nullopt, false} {}

  [[nodiscard]] Result<BootState> state() const override {
    if (auto refusal = refuse()) return *refusal;
    return state_;
  }

  Status arm(SlotId slot, int tries) override {
    if (tries < 1 || tries > 9) return Error{Errc::bug, "arm: tries must be 1 to 9"};
    if (auto refusal = refuse()) return *refusal;
    if (slot == state_.fallback) return Error{Errc::bug, "arm: the slot is the fallback"};
    const int done = state_.trial && state_.trial->slot == slot ? state_.trial->tries_done : 0;
    state_.trial = Trial{slot, tries, done};
    state_.offered = true;
    return ok();
  }

  Status bless(SlotId slot) override {
    if (failure_) return *failure_;
    state_ = BootState{slot, std::nullopt, false};
    damaged_ = false;
    return ok();
  }

  Status reject(SlotId slot) override {
    if (auto refusal = refuse()) return *refusal;
    if (slot == state_.fallback) return Error{Errc::bug, "reject: the slot is the fallback"};
    state_.trial.reset();
    state_.offered = false;
    return ok();
  }

  // The loader's turn: spends an offer and counts the try, then starts the trial; else the fallback.
  Started start() {
    if (damaged_ || !state_.offered) return {state_.fallback, false};
    state_.offered = false;
    --state_.trial->tries_left;
    state_.trial->tries_done = std::min(9, state_.trial->tries_done + 1);
    return {state_.trial->slot, true};
  }

  // The records become unreadable; the loader still knows the fallback.
  void damage() { damaged_ = true; }
  // Every call answers with this error until it is taken back with nullopt.
  void fail_with(std::optional<Error> failure) { failure_ = std::move(failure); }

 private:
  [[nodiscard]] std::optional<Error> refuse() const {
    if (failure_) return failure_;
    if (damaged_) return Error{Errc::cannot_arm, "the boot records are damaged"};
    return std::nullopt;
  }

  BootState state_;
  bool damaged_ = false;
  std::optional<Error> failure_;
};

}  // namespace cube
