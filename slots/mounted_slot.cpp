#include "slots/mounted_slot.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/io.h"

namespace cube {
namespace {

// What the loaders can read: see slots/make_filesystem.h.
constexpr std::array<const char*, 2> filesystems{"ext4", "xfs"};

Status take_down(const std::string& mount_point) {
  while (::umount2(mount_point.c_str(), UMOUNT_NOFOLLOW) == 0) {
  }
  if (errno == EINVAL || errno == ENOENT) return ok();  // nothing is mounted there
  return system_error("unmount " + mount_point);
}

Status mount_device(const std::string& device, const std::string& mount_point, Access access) {
  unsigned long flags = MS_NODEV | MS_NOATIME;
  if (access == Access::read) flags |= MS_RDONLY;
  for (const auto* type : filesystems)
    if (::mount(device.c_str(), mount_point.c_str(), type, flags, nullptr) == 0) return ok();
  if (errno == EINVAL || errno == EUCLEAN || errno == ENODEV)
    return Error{Errc::corrupt, device + " holds no filesystem that can be mounted", errno};
  return system_error("mount " + device);
}

}  // namespace

Result<MountedSlot> MountedSlot::open(const RootDir& root, SlotId slot, const SlotPlace& place,
                                      bool booted, Access access) {
  MountedSlot mounted;
  std::string path = place.is_folder ? place.path : "/";
  if (!place.is_folder && !booted) {
    path = "run/cube-update/slot-" + std::string(to_string(slot));
    CUBE_CHECK(root.make_dirs(path, 0700));
    const std::string mount_point = root.join(path);
    CUBE_CHECK(take_down(mount_point));
    CUBE_CHECK(mount_device(place.path, mount_point, access));
    mounted.mount_point_ = mount_point;
  }
  CUBE_TRY(auto tree, root.below(path));
  mounted.tree_ = std::make_unique<RootDir>(std::move(tree));
  return mounted;
}

MountedSlot::MountedSlot(MountedSlot&& other) noexcept
    : tree_(std::move(other.tree_)), mount_point_(std::exchange(other.mount_point_, "")) {}

MountedSlot::~MountedSlot() {
  if (!mount_point_.empty()) {
    tree_.reset();
    ::umount2(mount_point_.c_str(), UMOUNT_NOFOLLOW);
  }
}

Status MountedSlot::close() {
  if (mount_point_.empty()) {
    if (tree_ == nullptr) return ok();
    CUBE_TRY(const auto fd, tree_->open_file(".", O_RDONLY | O_DIRECTORY));
    if (::syncfs(fd.get()) != 0) return system_error("sync " + tree_->path());
    return ok();
  }
  tree_.reset();
  const std::string mount_point = std::exchange(mount_point_, "");
  if (::umount2(mount_point.c_str(), UMOUNT_NOFOLLOW) != 0)
    return system_error("unmount " + mount_point);
  return ok();
}

}  // namespace cube
