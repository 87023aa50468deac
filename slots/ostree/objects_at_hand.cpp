#include "slots/ostree/objects_at_hand.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>

namespace cube {
namespace {

Fd objects_folder(const std::string& repository) {
  if (repository.empty()) return {};
  return Fd(::open((repository + "/objects").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

std::optional<std::uint64_t> inode_in(const Fd& folder, const ObjectId& id) {
  struct stat st {};
  if (!folder.valid() ||
      ::fstatat(folder.get(), bare_file(id).c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
    return std::nullopt;
  return st.st_ino;
}

}  // namespace

Result<ObjectsAtHand> ObjectsAtHand::look(const std::string& own, const std::string& running) {
  ObjectsAtHand at_hand;
  at_hand.own_folder_ = objects_folder(own);
  at_hand.running_folder_ = objects_folder(running);
  if (at_hand.own_folder_.valid()) {
    CUBE_TRY(at_hand.own_, bare_objects(own));
  }
  return at_hand;
}

bool ObjectsAtHand::in_own(const ObjectId& id) const {
  return find_object(own_, id) != nullptr;
}

bool ObjectsAtHand::in_running(const ObjectId& id) const {
  return damaged_in_running_.count(id) == 0 && inode_in(running_folder_, id);
}

void ObjectsAtHand::look_again(const std::vector<ObjectId>& ids) {
  std::vector<BareObject> come;
  for (const auto& id : ids) {
    if (in_own(id)) continue;
    if (const auto inode = inode_in(own_folder_, id)) come.push_back({id, *inode});
  }
  own_.insert(own_.end(), come.begin(), come.end());
  std::sort(own_.begin(), own_.end());
}

void ObjectsAtHand::forget_own(const ObjectId& id) {
  const auto* found = find_object(own_, id);
  if (found != nullptr) own_.erase(own_.begin() + (found - own_.data()));
}

}  // namespace cube
