// Esp: the files of systemd-boot on the EFI system partition, and how they are changed so that a
// cut leaves each whole, or one that systemd-boot and we pass over.
//
// FAT has no atomic rename, so nothing is renamed. An entry is made under its name, with `linux` as
// its last line, or changed in place as one sector. After an ok everything was fsynced and read
// back. Names are compared in lower case, as FAT and systemd-boot do.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/root_dir.h"
#include "boot/efi/kernel_copies.h"
#include "boot/systemd_boot/boot_entry.h"

namespace cube {

// A file of ours in loader/entries.
struct EspEntry {
  std::string file;                // as the folder has it
  std::optional<EntryName> name;   // nullopt: begins with cube-, and is none of our names
  std::optional<BootEntry> entry;  // nullopt: cut short, not ours, or its kernel is not there
};

class Esp {
 public:
  // `root` outlives it; `folder`: the mount point below it.
  Esp(const RootDir& root, const std::string& folder)
      : root_(root), folder_(folder), kernels_(root, folder) {}

  // Entries whose names begin with cube-. Errors: cannot_arm (no such folder: not mounted), failed.
  [[nodiscard]] Result<std::vector<EspEntry>> entries() const;
  // In place where a file of that size is, otherwise anew. Errors: no_space, cannot_arm, invalid
  // (arguments), failed.
  Status write_entry(const std::string& file, const BootEntry& entry) const;
  // Durably. Absent is fine. Errors: cannot_arm, failed.
  Status remove_entry(const std::string& file) const;

  // Of loader/loader.conf. Errors: not_found, corrupt, failed.
  [[nodiscard]] Result<SlotId> default_slot() const;
  Status write_default(SlotId slot) const;

  [[nodiscard]] const KernelCopies& kernels() const { return kernels_; }
  // Removes copies that no entry names, ours or another's. Errors: cannot_arm, failed.
  Status remove_unnamed_kernels() const;

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }

 private:
  Status write_file(const std::string& path, const std::string& bytes) const;

  const RootDir& root_;
  std::string folder_;
  KernelCopies kernels_;
};

}  // namespace cube
