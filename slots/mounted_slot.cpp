#include "slots/mounted_slot.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/fd.h"

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

// O_EXCL without O_CREAT on a block device: fails while a mount or another holder has it.
Status check_unused(const std::string& device) {
  const Fd fd(::open(device.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
  if (fd.valid()) return ok();
  if (errno == EBUSY)
    return Error{Errc::busy, device + " is mounted elsewhere or in use, so it is not written; "
                                      "`findmnt` and `lsblk` show by what"};
  return system_error("open " + device);
}

constexpr unsigned long mount_flags = MS_NODEV | MS_NOATIME;

Status mount_with(const std::string& device, const std::string& mount_point, unsigned long flags) {
  for (const auto* type : filesystems) {
    if (::mount(device.c_str(), mount_point.c_str(), type, flags, nullptr) == 0) return ok();
    // Another type, or one that this kernel does not know. Anything else is said by the right one.
    if (errno != EINVAL && errno != ENODEV) break;
  }
  if (errno == EINVAL || errno == ENODEV || errno == EUCLEAN || errno == EBADMSG)
    return Error{Errc::corrupt, device + " holds no filesystem that can be mounted", errno};
  return system_error("mount " + device);
}

Status mount_to_write(const std::string& device, const std::string& mount_point) {
  CUBE_CHECK(check_unused(device));
  return mount_with(device, mount_point, mount_flags);
}

Status mount_to_read(const std::string& device, const std::string& mount_point) {
  auto status = mount_with(device, mount_point, mount_flags | MS_RDONLY);
  if (status || status.error().sys_errno != EBUSY) return status;
  // Somebody mounted it to write, and a filesystem has one such flag for all of its mounts.
  CUBE_CHECK(mount_with(device, mount_point, mount_flags));
  if (::mount(nullptr, mount_point.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | mount_flags,
              nullptr) == 0)
    return ok();
  auto error = system_error("mount " + device + " read-only");
  ::umount2(mount_point.c_str(), UMOUNT_NOFOLLOW);
  return error;
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
    const std::string device = root.join(place.path);
    CUBE_CHECK(access == Access::write ? mount_to_write(device, mount_point)
                                       : mount_to_read(device, mount_point));
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
