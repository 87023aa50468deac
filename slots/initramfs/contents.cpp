#include "slots/initramfs/contents.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "slots/initramfs/cpio_image.h"
#include "slots/initramfs/expand.h"

namespace cube {
namespace {

constexpr std::size_t max_members = 100'000;
constexpr std::size_t max_early = 100;

std::string kernel_name(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string_view without(std::string_view name,
                         std::initializer_list<std::string_view> extensions) {
  for (const auto extension : extensions)
    if (name.ends_with(extension)) return name.substr(0, name.size() - extension.size());
  return name;
}

// What dracut and initramfs-tools put in for a root on anything but a plain disk, and to check it.
bool is_tool(std::string_view name) {
  constexpr std::array<std::string_view, 19> names{
      "btrfs",   "btrfsck", "cryptsetup", "dmraid",    "dmsetup",  "e2fsck",    "fsck",
      "iscsid",  "iscsistart", "iscsiroot", "lvm",     "mdadm",    "mount.nfs", "multipath",
      "multipathd", "nvme", "xfs_db",    "xfs_repair", "zpool"};
  return std::find(names.begin(), names.end(), name) != names.end() || name.starts_with("fsck.");
}

// "usr/lib/modules/6.1.0-42-amd64/kernel/drivers/scsi/megaraid/megaraid_sas.ko.xz"
void add(std::string_view path, InitramfsContents& contents) {
  if (path.starts_with("./")) path.remove_prefix(2);
  if (path.starts_with("usr/")) path.remove_prefix(4);
  const auto name = path.substr(path.find_last_of('/') + 1);
  if ((path.starts_with("bin/") || path.starts_with("sbin/")) && is_tool(name))
    contents.tools.emplace(name);
  path = without(path, {".xz", ".zst", ".gz"});
  if (constexpr std::string_view place = "lib/firmware/"; path.starts_with(place))
    contents.firmware.emplace(path.substr(place.size()));
  if (!path.starts_with("lib/modules/") || !path.ends_with(".ko")) return;
  path = without(path.substr(path.find_last_of('/') + 1), {".ko"});
  contents.modules.insert(kernel_name(std::string(path)));
}

}  // namespace

bool InitramfsContents::has_module(std::string name) const {
  return modules.count(kernel_name(std::move(name))) != 0;
}

Result<InitramfsContents> initramfs_contents(const Fd& image, const Fd& scratch,
                                             const std::string& name) {
  if (const auto done = expand_initramfs(image, scratch, name); !done) return Error(done.error());
  CUBE_TRY(const auto whole, CpioImage::open(scratch, name));
  InitramfsContents contents;
  std::size_t members = 0;
  const auto on_member = [&](const CpioImage::Member& member) -> Status {
    if (++members > max_members) return Error{Errc::invalid, name + ": has too many members"};
    add(member.name, contents);
    if (member.name.find("kernel/x86/microcode/") != std::string_view::npos &&
        contents.microcode.size() < max_early)
      contents.microcode.push_back({std::string(member.name), member.at, member.size});
    return ok();
  };
  for (std::uint64_t at = 0; at < whole.size();) {
    CUBE_TRY(at, whole.after_zeros(at));
    if (at == whole.size()) break;
    CUBE_TRY(at, whole.after_cpio(at, on_member));
  }
  return contents;
}

}  // namespace cube
