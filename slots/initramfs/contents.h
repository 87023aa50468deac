// What an initramfs image holds, for people who compare two of them.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace cube {

struct InitramfsContents {
  std::set<std::string> modules;   // names as the kernel has them, with '_'
  std::set<std::string> firmware;  // below lib/firmware, without compression's extension
  std::set<std::string> programs;  // in the folders of programs, and systemd's own: "lvm"
  // Files below kernel/x86/microcode, and where they are in `scratch`.
  struct Early {
    std::string path;
    std::uint64_t at, size;
  };
  std::vector<Early> microcode;

  [[nodiscard]] bool has_module(std::string name) const;
};

// All are few bytes in comparison: at most 100,000 members are looked at. The image is expanded
// into `scratch`, an empty file: that takes its expanded size, at most max_initramfs_bytes.
// Errors: invalid (no initramfs, damaged, too large), no_space, failed.
[[nodiscard]] Result<InitramfsContents> initramfs_contents(const Fd& image, const Fd& scratch,
                                                           const std::string& name);
// Names of the first archive of an image, when it is not compressed: there the kernel looks for
// microcode ("kernel/x86/microcode/GenuineIntel.bin"). Empty when it is. Errors: invalid, failed.
[[nodiscard]] Result<std::set<std::string>> early_members(const Fd& image, const std::string& name);

}  // namespace cube
