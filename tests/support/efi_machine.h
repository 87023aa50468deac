// What the players of loaders on an EFI system partition share: an appliance in a folder, its
// slots, and what a started kernel shows of itself.
#pragma once

#include <string>

#include "base/root_dir.h"
#include "boot/kernel_source.h"
#include "tests/support/fake_boot_control.h"

namespace cube {

// The slots as folders: slots/a and slots/b.
class FolderKernels final : public KernelSource {
 public:
  explicit FolderKernels(const RootDir& root) : root_(root) {}
  Status with_tree(SlotId slot, const Reader& read) const override {
    CUBE_TRY(const auto tree, root_.below("slots/" + std::string(to_string(slot))));
    return read(tree);
  }

 private:
  const RootDir& root_;
};

// With the folders above it. An exception if it cannot be.
void write_bytes(const std::string& path, const std::string& bytes);
// "" if there is no such file.
[[nodiscard]] std::string read_bytes(const std::string& path);
[[nodiscard]] std::string random_hex(int digits);

// Kernel and initramfs of both slots.
void lay_out_slots(const std::string& folder);
// Those of a slot, to a folder on the partition.
void copy_kernel(const std::string& folder, const std::string& to, SlotId slot);
// A new boot with these arguments.
Started start_kernel(const std::string& folder, const std::string& arguments);

}  // namespace cube
