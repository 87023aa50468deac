#include "boot/efi/kernel_copies.h"

#include <fcntl.h>

#include <algorithm>

#include "base/durable_file.h"
#include "base/io.h"
#include "base/mutation.h"
#include "boot/efi/entry_text.h"
#include "boot/efi/kernel_files.h"

namespace cube {
namespace {

constexpr const char* kernels_folder = "cube/kernels";
constexpr std::size_t max_names = 1000;

}  // namespace

Error partition_error(Error error, const std::string& where) {
  const bool locked =
      error.sys_errno == EROFS || error.sys_errno == EACCES || error.sys_errno == EPERM;
  if (locked) error.code = Errc::cannot_arm;
  if (error.code == Errc::not_found || error.code == Errc::corrupt) error.code = Errc::failed;
  error.what = where + ": " + error.what;
  if (locked) error.what += "; remount the EFI system partition writable and try again";
  return error;
}

bool KernelCopies::holds(const RootDir& tree, SlotId slot, std::uint32_t kernel) const {
  for (const auto& file : kernel_files) {
    const auto original = open_kernel_file(tree, file.in_slot);
    const auto copy = open_kernel_file(root_, path(kernel_folder(slot, kernel)) + "/" + file.name);
    if (!original || !copy || size_of(*original).value() != size_of(*copy).value()) return false;
    if (!same_bytes(*original, *copy, 0) && !mutated("efi-copy-not-compared")) return false;
  }
  return true;
}

Status KernelCopies::check_room(const RootDir& tree) const {
  std::uint64_t needed = 0;
  for (const auto& file : kernel_files) {
    CUBE_TRY(const auto opened, open_kernel_file(tree, file.in_slot));
    CUBE_TRY(const auto size, size_of(opened));
    needed += size;
  }
  if (mutated("efi-room-not-checked")) return ok();
  auto room = has_room(root_, partition_, needed);
  if (room) return ok();
  return std::move(room).error().in("the slot's kernel and initramfs");
}

// Under a name that no entry has yet. What a cut or an error leaves is removed by the next call.
Result<std::uint32_t> KernelCopies::copy_anew(const RootDir& tree, SlotId slot) const {
  std::uint32_t kernel = 0;
  CUBE_CHECK(root_.make_dirs(path(kernels_folder)));
  CUBE_TRY(const auto taken, root_.list(path(kernels_folder), max_names));
  while (kernel <= max_names &&
         std::any_of(taken.begin(), taken.end(), [&](const std::string& name) {
           return kernel_folder(slot, kernel) == kernels_folder + ("/" + in_lower_case(name));
         }))
    ++kernel;
  const auto folder = path(kernel_folder(slot, kernel));
  CUBE_CHECK(root_.make_dirs(folder));
  for (const auto& file : kernel_files) {
    CUBE_TRY(const auto original, open_kernel_file(tree, file.in_slot));
    CUBE_TRY(const auto copy, root_.open_file(folder + "/" + file.name,
                                              O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
    CUBE_CHECK(in_pieces(original, [&](std::uint64_t at, const std::string& bytes) {
      return write_at(copy, bytes, static_cast<off_t>(at));
    }));
    CUBE_CHECK(sync_file(copy));
  }
  for (const auto& synced : {folder, path(kernels_folder), path("cube"), partition_})
    CUBE_CHECK(sync_folder(root_, synced));
  if (!holds(tree, slot, kernel))
    return Error{Errc::failed, "the copy of the kernel reads back different from the slot's"};
  return kernel;
}

Result<std::uint32_t> KernelCopies::place(const KernelSource& source, SlotId slot,
                                          std::optional<std::uint32_t> known) const {
  std::uint32_t kernel = 0;
  const auto read = [&](const RootDir& tree) -> Status {
    if (known && holds(tree, slot, *known)) {
      kernel = *known;
      return ok();
    }
    if (const auto room = check_room(tree); !room)
      return room.error().code == Errc::not_found
                 ? Status(Error{Errc::cannot_arm, "slot " + std::string(to_string(slot)) +
                                                      " has no kernel: " + room.error().what})
                 : room;
    auto copied = copy_anew(tree, slot);
    if (!copied)
      return partition_error(std::move(copied).error(), root_.join(path(kernels_folder)));
    kernel = *copied;
    return ok();
  };
  CUBE_CHECK(source.with_tree(slot, read));
  return kernel;
}

bool KernelCopies::present(SlotId slot, std::uint32_t kernel) const {
  const auto folder = path(kernel_folder(slot, kernel));
  return std::all_of(kernel_files.begin(), kernel_files.end(), [&](const KernelFile& file) {
    return root_.exists(folder + "/" + file.name);
  });
}

Status KernelCopies::remove_unnamed(const std::string& texts) const {
  const auto folders = root_.list(path(kernels_folder), max_names);
  if (!folders && folders.error().code == Errc::not_found) return ok();
  if (!folders) return partition_error(folders.error(), root_.join(path(kernels_folder)));
  for (const auto& folder : *folders) {
    const auto whole = std::string(kernels_folder) + "/" + in_lower_case(folder) + "/";
    if (texts.find(whole) != std::string::npos && !mutated("efi-named-kernel-removed")) continue;
    auto status = root_.remove_tree(path(kernels_folder) + "/" + folder);
    if (status) status = sync_folder(root_, path(kernels_folder));
    if (!status)
      return partition_error(std::move(status).error(), root_.join(path(kernels_folder)));
  }
  return ok();
}

}  // namespace cube
