// MountedSlot: access to a slot's tree while the object lives. A folder is used as it is; the booted
// slot is the running root; the other device is mounted at run/cube-update/slot-X and unmounted, with
// everything on the device, at the end. A mount that a killed run left is taken down first.
//
// A device that anything else holds (a mount under any name and in any namespace, swap, device
// mapper) is not opened for writing: the kernel is asked about the device itself.
#pragma once

#include <memory>
#include <string>

#include "base/root_dir.h"
#include "slots/slot_pair.h"

namespace cube {

enum class Access { read, write };

class MountedSlot {
 public:
  // Errors: corrupt (no filesystem that can be mounted), busy (held by something else), failed.
  static Result<MountedSlot> open(const RootDir& root, SlotId slot, const SlotPlace& place,
                                  bool booted, Access access);
  MountedSlot(MountedSlot&& other) noexcept;
  MountedSlot& operator=(MountedSlot&&) = delete;
  ~MountedSlot();

  [[nodiscard]] const RootDir& tree() const { return *tree_; }
  // Takes the mount down now, to learn whether everything reached the device. Errors: failed.
  Status close();

 private:
  MountedSlot() = default;
  std::unique_ptr<RootDir> tree_;
  std::string mount_point_;  // "" when nothing was mounted
};

}  // namespace cube
