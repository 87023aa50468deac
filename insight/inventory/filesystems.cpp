#include "insight/inventory/filesystems.h"

#include <algorithm>
#include <array>

#include "insight/inventory/tree_lists.h"
#include "insight/lines.h"

namespace cube::insight {
// Modules in fs/ that are no filesystem of a disk (fs/nls, fs/quota) have another name than their
// folder, or are passed over by it; fs/fat has vfat and msdos.
std::string filesystem_of(std::string_view file) {
  constexpr std::string_view top = "kernel/fs/";
  if (!file.starts_with(top) || module_file(file).empty()) return "";
  const auto folder = file.substr(top.size(), file.find('/', top.size()) - top.size());
  auto name = module_name(file);
  constexpr std::array<std::string_view, 5> others{"isofs", "overlay", "vfat", "fuse", "nfsv4"};
  const bool is_other = std::find(others.begin(), others.end(), name) != others.end();
  return folder == name || is_other ? name : "";
}

// What dracut and initramfs-tools put in for a root on anything but a plain disk, and to check it.
bool is_root_tool(std::string_view program) {
  constexpr std::array<std::string_view, 19> names{
      "btrfs",      "btrfsck",   "cryptsetup", "dmraid",     "dmsetup", "e2fsck",    "fsck",
      "iscsid",     "iscsiroot", "iscsistart", "lvm",        "mdadm",   "mount.nfs", "multipath",
      "multipathd", "nvme",      "xfs_db",     "xfs_repair", "zpool"};
  return std::find(names.begin(), names.end(), program) != names.end() ||
         program.starts_with("fsck.");
}

Names filesystem_modules(std::string_view list) {
  Names names;
  each_line(list, [&](std::string_view line) {
    if (auto name = filesystem_of(trimmed(line)); !name.empty()) names.insert(std::move(name));
  });
  return names;
}

Entries mke2fs_features(std::string_view text) {
  Entries features;
  std::string kind;  // that a "ext4 = {" began; "" outside
  each_line(text, [&](std::string_view whole) {
    const auto line = trimmed(whole);
    const auto equals = line.find('=');
    if (line.starts_with('#') || line.starts_with(';')) return;
    if (line.starts_with('}') || line.starts_with('[')) kind.clear();
    if (equals == std::string_view::npos) return;
    const auto name = trimmed(line.substr(0, equals));
    const auto value = trimmed(line.substr(equals + 1));
    if (value == "{")
      kind = name;
    else if (!name.empty() &&
             (name == "features" || name == "base_features" || name == "default_features"))
      features.insert_or_assign((kind.empty() ? "" : kind + ".") + std::string(name),
                                std::string(value));
  });
  return features;
}

}  // namespace cube::insight
