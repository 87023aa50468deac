// KernelCopies: copies of the slots' kernels and initramfs on the EFI system partition, for what
// starts a machine and cannot read a slot.
//
// A copy gets a new folder each time; it is synced and compared with the slot before anything names
// it. After an ok everything was fsynced and read back. Names are compared in lower case, as FAT
// does.
#pragma once

#include <optional>
#include <string>

#include "base/root_dir.h"
#include "boot/kernel_source.h"

namespace cube {

class KernelCopies {
 public:
  // `root` outlives it; `partition`: the mount point below it.
  KernelCopies(const RootDir& root, std::string partition)
      : root_(root), partition_(std::move(partition)) {}

  // The number of a copy of the slot's kernel and initramfs: `known` if it is one, otherwise a new
  // one, after a check that it fits. Errors: no_space (nothing was changed), cannot_arm (the slot
  // has none), corrupt (a copy differs), failed.
  Result<std::uint32_t> place(const KernelSource& source, SlotId slot,
                              std::optional<std::uint32_t> known) const;
  // Both files are there; what is in them is not looked at.
  [[nodiscard]] bool present(SlotId slot, std::uint32_t kernel) const;
  // Removes the copies whose folder does not stand in `texts`: of all entries, ours or another's,
  // in lower case, with '/'. Errors: cannot_arm, failed.
  Status remove_unnamed(const std::string& texts) const;

 private:
  [[nodiscard]] std::string path(const std::string& name) const { return partition_ + "/" + name; }
  [[nodiscard]] bool holds(const RootDir& tree, SlotId slot, std::uint32_t kernel) const;
  Result<std::uint32_t> copy_anew(const RootDir& tree, SlotId slot) const;
  Status check_room(const RootDir& tree) const;

  const RootDir& root_;
  std::string partition_;
};

// An error of a file on the partition, in the terms of BootControl: what cannot be written is
// cannot_arm, everything but no_space is failed.
[[nodiscard]] Error partition_error(Error error, const std::string& where);

}  // namespace cube
