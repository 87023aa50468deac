// take_inventory: reads a tree, as a release is composed of, or a slot.
//
// Links stay inside the tree, folders are read without following any, and what is no regular file
// is never opened. An odd tree gives an inventory that says what is not known of it.
#pragma once

#include <functional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "base/root_dir.h"
#include "insight/inventory/inventory.h"

namespace cube::insight {

struct InitramfsNames {
  Names modules, firmware, tools;
  Entries microcode;
};

// What the insight room cannot read itself.
struct TreeReaders {
  // `name` is for messages. Errors: invalid, corrupt: the image's fault, the inventory tells it;
  // all others end the inventory.
  std::function<Result<InitramfsNames>(const Fd& image, const std::string& name)> initramfs;
  // The whole of a compressed file of a module, at most 64 MiB. Called by several threads at once.
  // Errors: invalid (damaged, too large), failed.
  std::function<Result<std::string>(const Fd& file, const std::string& name)> expanded_module;
  // Packages in the rpm database that is in that folder. Errors: as above.
  std::function<Result<Entries>(const RootDir& database)> rpm_packages;
  // Paths as "/proc/1" that are no part of a release.
  std::function<bool(const std::string& path)> is_left_out;
};

// At most 2,000,000 files; lists of at most 64 MiB; firmware files of at most 256 MiB.
// Errors: those of the readers.
[[nodiscard]] Result<Inventory> take_inventory(const RootDir& tree, const TreeReaders& readers);

}  // namespace cube::insight
