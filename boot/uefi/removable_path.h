// RemovablePath: EFI/BOOT/BOOTX64.EFI on the EFI system partition, which firmware starts when its
// variables name nothing: a second copy of the fallback, as a unified kernel image. It needs an EFI
// stub in the slot (usr/lib/systemd/boot/efi/linuxx64.efi.stub) and room; without them there is
// none.
//
// Guarantees: what others put there is not touched. Its first two bytes come last: until then
// firmware takes the file for no program. A file of ours never starts another slot than the last
// fallback once a call returned ok.
#pragma once

#include <string>
#include <vector>

#include "base/root_dir.h"
#include "boot/efi/unified_kernel.h"
#include "boot/kernel_source.h"

namespace cube {

class RemovablePath {
 public:
  // `root` outlives it; `partition`: the mount point below it.
  RemovablePath(const RootDir& root, const std::string& partition)
      : root_(root), partition_(partition), file_(partition + "/EFI/BOOT/BOOTX64.EFI") {}

  // Removes it if it is ours and starts another slot. Errors: cannot_arm, failed.
  Status remove_other(SlotId fallback) const;
  // Lets it start this slot with these arguments, which name it as cube.slot= and end with
  // cube.canary=. Where that cannot be, for want of a stub or of room, one of ours with another
  // slot or kernel goes. Errors: cannot_arm, no_space (less than was free before), failed.
  Status follow(const KernelSource& source, SlotId slot, const std::string& arguments) const;

 private:
  enum class Kind { absent, unfinished, ours, foreign };
  struct Found {
    Kind kind = Kind::absent;
    std::string arguments;  // ours
  };
  struct Plan {
    UnifiedKernel made;
    std::vector<Fd> files;  // as kernel_files
  };
  [[nodiscard]] Found look() const;
  [[nodiscard]] bool holds(const RootDir& tree, SlotId slot) const;
  [[nodiscard]] Result<Plan> plan(const RootDir& tree, const std::string& arguments) const;
  Status write(const Plan& plan, const std::string& arguments) const;
  Status remove() const;

  const RootDir& root_;
  std::string partition_, file_;
};

}  // namespace cube
