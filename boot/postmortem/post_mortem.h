// PostMortem: the port to what a dead kernel left behind (pstore: ERST, EFI, ramoops).
//
// Only records that can belong to the trial count: newer than the arming, and not set aside before
// it. Absence of evidence says nothing: most machines leave none.
// Not thread-safe: the updater's loop is the only caller, under the lock.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "model/world.h"

namespace cube {

class PostMortem {
 public:
  virtual ~PostMortem() = default;

  // Signs of how the last trial died, one line of detail; Cause::none without any. Erases nothing.
  // Errors: failed.
  [[nodiscard]] virtual Result<Evidence> look() const = 0;

  // Copies the records into the state folder, bounded, under the attempt's number, then erases them
  // at their source. Repeatable; without records nothing happens. Errors: no_space, failed.
  virtual Status keep(std::uint64_t attempt) = 0;

  // Before an arming: moves records of earlier deaths out of the way, so that an old one is never
  // blamed on the new release. Repeatable. Errors: no_space, failed.
  virtual Status set_aside() = 0;
};

}  // namespace cube
