// EarlyWriteback: has a filesystem written to its device again and again while it is filled, so
// that the device works meanwhile and the sync at the end is short. It replaces no sync: what is
// made meanwhile may be on the device or not.
#pragma once

#include <memory>

#include "base/fd.h"
#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

class EarlyWriteback {
 public:
  // Begins, in a thread of its own; without one (the system refuses it) nothing happens early.
  // Errors: failed.
  static Result<EarlyWriteback> begin(const RootDir& tree);
  EarlyWriteback(EarlyWriteback&&) noexcept;
  EarlyWriteback& operator=(EarlyWriteback&&) = delete;
  ~EarlyWriteback();

  // Ends it, and then writes everything: all that was made before this call is on the device. An
  // error that the device had meanwhile is told here, and would not be told again. Errors:
  // no_space, failed.
  Status finish();

 private:
  struct State;
  explicit EarlyWriteback(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cube
