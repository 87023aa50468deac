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
  // Makes sure that the release of `update` is verified now and known in full: asks the source, and
  // if that is out of reach, believes what keep() kept, as far as the metadata that was believed
  // last vouches for it. Repeatable. Errors: untrusted, unreachable, corrupt, unsuitable (no longer
  // offered), no_space, failed.
  virtual Result<Verified<Release>> fetch(const Update& update, const ProgressSink& progress) = 0;

  // Keeps, durably, what fetch() needs to verify this release without the source. Only after a
  // fetch() of this update. Errors: bug (not fetched), no_space, failed.
  virtual Status keep(const Update& update) = 0;

  // Where the objects of that update are, and where those are that were downloaded ahead.
  [[nodiscard]] virtual ObjectSource objects(const Update& update) const = 0;

  // Removes everything that was downloaded ahead but for this update; nullptr: for none.
  // Errors: failed.
  virtual Status drop_all_but(const Update* update) = 0;
};

}  // namespace cube
