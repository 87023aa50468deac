#include <fcntl.h>
#include <sys/stat.h>

#include <sstream>

#include "agent/virtual_boot/overlay.h"
#include "agent/virtual_boot/virtual_boot.h"
#include "base/io.h"
#include "base/mutation.h"
#include "boot/efi/kernel_files.h"
#include "slots/initramfs/contents.h"
#include "slots/initramfs/expand.h"
#include "slots/kernel_modules.h"

namespace cube {
namespace {

constexpr const char* features = "usr/lib/cube-update/features";
constexpr std::size_t max_features_bytes = 4096;
constexpr mode_t for_anybody = 0444;

// A copy that QEMU may read, though it runs as nobody, and that stays when the slot is unmounted.
Result<Fd> copy_of(const RootDir& root, const RootDir& tree, const std::string& path) {
  auto original = open_kernel_file(tree, path);
  if (!original) return std::move(original.error()).in(tree.join(path));
  CUBE_TRY(const auto size, size_of(*original));
  if (size > max_initramfs_bytes)
    return Error{Errc::corrupt, tree.join(path) + " is larger than any that is started"};
  CUBE_TRY(auto copy, nameless_file(root));
  CUBE_CHECK(in_pieces(*original, [&](std::uint64_t at, const std::string& bytes) {
    return write_at(copy, bytes, static_cast<off_t>(at));
  }));
  if (::fchmod(copy.get(), for_anybody) != 0) return system_error("copy " + tree.join(path));
  return copy;
}

Result<Fd> open_disk(const RootDir& root, const std::string& device) {
  const int how = mutated("virtual-boot-writes-slot") ? O_RDWR : O_RDONLY;
  CUBE_TRY(auto disk, root.open_file(device, how | O_NONBLOCK | O_NOCTTY));
  struct stat st {};
  if (::fstat(disk.get(), &st) != 0) return system_error("stat " + root.join(device));
  if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
    return Error{Errc::unsuitable,
                 root.join(device) + " is no disk that a virtual machine can have"};
  return disk;
}

bool has_feature(const RootDir& tree, const std::string& word) {
  const auto text = tree.read_file(features, max_features_bytes);
  std::istringstream lines(text ? *text : "");
  for (std::string line; std::getline(lines, line);)
    if (line == word) return true;
  return false;
}

}  // namespace

Result<SlotParts> take_parts(const RootDir& root, SlotId slot, const RootDir& tree,
                             const std::string& device) {
  SlotParts parts;
  parts.slot = slot;
  CUBE_TRY(parts.disk, open_disk(root, device));
  CUBE_TRY(parts.kernel, copy_of(root, tree, kernel_files[0].in_slot));
  CUBE_TRY(parts.initramfs, copy_of(root, tree, kernel_files[1].in_slot));
  parts.knows_virtual = has_feature(tree, "virtual-boot");
  CUBE_TRY(const auto scratch, nameless_file(root));
  if (auto contents =
          initramfs_contents(parts.initramfs, scratch, tree.join(kernel_files[1].in_slot))) {
    parts.initramfs_known = true;
    parts.loadable = std::move(contents->modules);
  }
  if (const auto modules = kernel_modules(tree))
    parts.built_in = built_in_modules(tree, modules->release);
  return parts;
}

}  // namespace cube
