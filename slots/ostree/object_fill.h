// ObjectFill: brings the objects of a release into a slot's repository, each from the cheapest
// place that has it: the repository itself, a delta, the running slot, the full pack, and in the
// end the plain repository.
//
// What the slot has is taken by its name; whether it is sound is found out when the slot is
// verified, after everything was written. All else is proved on its way.
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "model/release.h"
#include "slots/ostree/pack_choice.h"
#include "slots/ostree/repository.h"
#include "slots/slot_store.h"

namespace cube {

class ObjectFill {
 public:
  // All outlive it. `running`: path of the running slot's repository, or "".
  ObjectFill(Repository& repository, std::string running, const Release& release,
             const ObjectSource& source, const ProgressSink& progress)
      : repository_(repository),
        running_(std::move(running)),
        release_(release),
        source_(source),
        progress_(progress) {}

  // Afterwards the repository has all objects of the release, and no other. A place that fails is
  // passed over for the next one, which the log says; but a source that does not answer is not
  // asked for more. The result has what bare_objects() says of the release's objects. Errors:
  // unreachable, corrupt (damaged or missing in the last place, too), no_space, failed.
  Result<std::vector<BareObject>> run();

 private:
  using Ids = std::vector<ObjectId>;

  Result<bool> try_packs();
  Status from_pack(const PackPlace& place);
  Status pull();
  [[nodiscard]] Status check_room(const PackIndex& index) const;
  Result<bool> complete();
  Status list_tree();
  Status copy_from_running(const Ids& missing);

  Repository& repository_;
  std::string running_;
  const Release& release_;
  const ObjectSource& source_;
  const ProgressSink& progress_;
  ObjectsAtHand at_hand_;
  std::string passed_over_;  // why the last pack did not do, or ""
  Ids all_;                  // of the release, sorted, once list_tree() succeeded
};

}  // namespace cube
