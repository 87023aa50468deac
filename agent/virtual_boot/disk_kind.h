// Which disk a virtual machine has: one whose driver the slot's initramfs is meant to have.
#pragma once

#include <sys/types.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/root_dir.h"

namespace cube {

// A disk that QEMU can show to a guest, by the driver that a guest needs for it.
struct DiskKind {
  std::string_view driver;      // module of Linux, with '_': "virtio_blk"
  std::string_view also;        // a second one that it needs; "": none
  std::string_view controller;  // -device of the controller; "": the machine has it, or needs none
  std::string_view disk;        // -device of the disk
};

// The kinds to try, the best first. `of_machine`: the drivers between the slot's own device and the
// processor. A disk that this machine has is shown, also when the initramfs lacks its driver: then
// this machine would not find its root either. Without such, those whose drivers the initramfs has
// (`loadable`; null: that is not known) or the kernel (`built_in`); with no module at all in it the
// first, for it can find no disk. None: it is made for disks that no virtual machine has.
[[nodiscard]] std::vector<const DiskKind*> disks_to_try(const std::set<std::string>& of_machine,
                                                        const std::set<std::string>* loadable,
                                                        const std::set<std::string>& built_in);

// The drivers bound to a block device's parents in sysfs and to those of the devices below it (dm,
// md), with '_'. Bounded; empty when nothing is known.
[[nodiscard]] std::set<std::string> drivers_of_device(const RootDir& root, dev_t device);

// Modules built into this kernel of the tree ("6.1.0-42"), with '_'; empty when there is no list.
[[nodiscard]] std::set<std::string> built_in_modules(const RootDir& tree,
                                                     const std::string& kernel);

}  // namespace cube
