// BootControl: the port to what starts next. One adapter per boot loader, one contract suite
// (tests/contract/boot_control_contract.h) for all of them and for the fake.
//
//        arm(b,3)                loader: offer spent, counted           bless(b)
//   fallback a ------> offered b ----------------------------> trial b --------> fallback b
//        ^                                                        |
//        +---------------------- reject(b) -----------------------+   (and so does any other reset)
//
// Guarantees of every adapter:
//  * the loader spends the offer and counts the try before it starts the trial's kernel; without an
//    offer, or when it cannot record the spending, it boots the fallback;
//  * each call is repeatable and safe against a power cut: afterwards state() is that of before or
//    of after, and the fallback is a slot that was fallback before, or (bless) the new one;
//  * a call that returned ok was read back from where the loader reads it;
//  * damaged or missing records are an error of every call except bless, which writes them anew.
// Not thread-safe: the updater's loop is the only caller, under the lock.
#pragma once

#include "base/result.h"
#include "model/boot_state.h"

namespace cube {

class BootControl {
 public:
  virtual ~BootControl() = default;

  // Errors: cannot_arm (records damaged, missing, or not the ones that the loader uses), failed.
  [[nodiscard]] virtual Result<BootState> state() const = 0;

  // Offers `slot` for the next boot with `tries` (1..9) tries left. tries_done of a trial of the
  // same slot is kept, otherwise it is 0. Refuses the fallback slot. Checks first that the running
  // kernel was started from the very records that are written (canary).
  // Errors: cannot_arm, no_space, failed, bug (slot is the fallback, tries out of range).
  virtual Status arm(SlotId slot, int tries) = 0;

  // Makes `slot` the fallback and ends any trial. The caller guarantees that `slot` is the booted
  // one and healthy. Writes damaged or missing records anew. Errors: cannot_arm, no_space, failed.
  virtual Status bless(SlotId slot) = 0;

  // Ends a trial of `slot`, offered or spent; without one nothing changes.
  // Errors: cannot_arm, no_space, failed, bug (slot is the fallback).
  virtual Status reject(SlotId slot) = 0;
};

}  // namespace cube
