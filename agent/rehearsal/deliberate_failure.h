// DeliberateFailure: the port by which a trial fails on purpose (`cube-update doctor --rehearse`).
//
// What the trial's own program makes is asked for by the program in the other slot, through the
// journal. One of an older release does not know of it and would commit the trial; so a release
// says what its program can be asked for: rehearses_failures() looks there.
#pragma once

#include "base/result.h"
#include "base/root_dir.h"
#include "model/update.h"

namespace cube {

class DeliberateFailure {
 public:
  virtual ~DeliberateFailure() = default;
  // Does not return, when it works: the machine dies of it. Errors: failed, bug (none, sick).
  virtual Status make(Rehearsal how) = 0;
};

// Of the running system. panic: sysrq's crash. hang: on each processor a thread that nothing
// else may interrupt, so that no watchdog is fed any more.
class SystemFailure final : public DeliberateFailure {
 public:
  Status make(Rehearsal how) override;
};

// Notes it in run/cube-update/failed-on-purpose, and ends this process by SIGKILL: whoever plays
// the firmware acts on it.
class ScratchFailure final : public DeliberateFailure {
 public:
  explicit ScratchFailure(const RootDir& root) : root_(root) {}  // `root` outlives it
  Status make(Rehearsal how) override;

 private:
  const RootDir& root_;
};

// The word "rehearsal" is a line of usr/lib/cube-update/features in the tree of a slot.
[[nodiscard]] bool rehearses_failures(const RootDir& tree);

}  // namespace cube
