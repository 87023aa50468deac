// ObjectsAtHand: what the slots of a machine have by name; whether it is sound is another matter.
// Inside slots/ostree only.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "slots/ostree/bare_files.h"
#include "slots/pack/object.h"

namespace cube {

class ObjectsAtHand {
 public:
  // Paths of repositories: of the slot that is filled, which is listed now, and of the running one,
  // which is asked when it is. "", and one that is not there, have nothing. Errors: corrupt,
  // failed.
  static Result<ObjectsAtHand> look(const std::string& own, const std::string& running);

  [[nodiscard]] bool in_own(const ObjectId& id) const;
  [[nodiscard]] bool in_running(const ObjectId& id) const;
  // All of the slot that is filled, sorted.
  [[nodiscard]] const std::vector<BareObject>& own() const { return own_; }

  // These may have come into the slot since it was listed.
  void look_again(const std::vector<ObjectId>& ids);
  // It turned out to be damaged there.
  void forget_own(const ObjectId& id);
  void forget_running(const ObjectId& id) { damaged_in_running_.insert(id); }

 private:
  std::vector<BareObject> own_;
  Fd own_folder_, running_folder_;  // the folders objects/; not valid where there are none
  std::set<ObjectId> damaged_in_running_;
};

}  // namespace cube
