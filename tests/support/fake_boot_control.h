// FakeBootControl: a boot loader in memory with the semantics of the port. It rejects what a real
// adapter rejects; tests/contract runs the same suite on both, so that it cannot lie.
#pragma once

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
  explicit FakeBootControl(SlotId fallback) { state_.fallback = fallback; }

  [[nodiscard]] Result<BootState> state() const override {
    if (damaged_) return damage();
    return state_;
  }
  Status arm(SlotId slot, int tries) override {
    if (tries < 1 || tries > 9) return Error{Errc::bug, "tries out of range"};
    if (damaged_) return damage();
    if (slot == state_.fallback) return Error{Errc::bug, "the slot is the fallback"};
    const int done = state_.trial ? state_.trial->tries_done : 0;
    state_.trial = Trial{slot, tries, done};
    state_.offered = true;
    return ok();
  }
  Status bless(SlotId slot) override {
    state_ = BootState{slot, std::nullopt, false};
    damaged_ = false;
    return ok();
  }
  Status reject(SlotId slot) override {
    if (damaged_) return damage();
    if (slot == state_.fallback) return Error{Errc::bug, "the slot is the fallback"};
    state_.trial.reset();
    state_.offered = false;
    return ok();
  }

  // The loader's turn.
  Started start() {
    if (damaged_ || !state_.offered || state_.trial->tries_left < 1) return {state_.fallback, false};
    state_.offered = false;
    state_.trial->tries_left -= 1;
    state_.trial->tries_done = std::min(9, state_.trial->tries_done + 1);
    return {state_.trial->slot, true};
  }
  // The records are lost.
  void damage_records() { damaged_ = true; }

 private:
  static Error damage() { return {Errc::cannot_arm, "the loader's records are damaged"}; }
  BootState state_;
  bool damaged_ = false;
};

}  // namespace cube
