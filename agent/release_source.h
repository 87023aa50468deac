// ReleaseSource: the port to where releases come from. Everything it hands out was verified against
// the trusted root; there is no way to get an unverified release out of it.
#pragma once

#include "base/progress.h"
#include "base/result.h"
#include "keys/verified.h"
#include "model/journal.h"
#include "slots/slot_store.h"

namespace cube {

class ReleaseSource {
 public:
  virtual ~ReleaseSource() = default;
  // Makes sure that the release of `update` is verified now and known in full: downloads what is
  // missing. Repeatable. Errors: untrusted, unreachable, corrupt, unsuitable (no longer offered),
  // no_space, failed.
  virtual Result<Verified<Release>> fetch(const Update& update, const ProgressSink& progress) = 0;

  // Where the objects of that update are.
  [[nodiscard]] virtual ObjectSource objects(const Update& update) const = 0;
};

}  // namespace cube
