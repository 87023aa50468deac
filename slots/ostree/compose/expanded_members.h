// Members of a tree that a release holds uncompressed, so that deltas between releases find what
// they have in common: initramfs images and kernel modules. The tree itself is only read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace cube {

struct ExpandOptions {
  bool initramfs = false;  // /boot/initrd*, /boot/initramfs*
  bool modules = false;    // *.ko.gz, *.ko.xz, *.ko.zst below lib/modules
};

// A file of the tree that the release holds with other bytes.
struct ExpandedMember {
  std::string path;     // in the tree, from "/" on; owner, mode and attributes are this file's
  std::string name;     // in the release, from "/" on
  std::string content;  // the file with the bytes, below the scratch folder
};

// Puts the contents below `scratch`, a private and empty folder. The result does not depend on the
// order in which folders are read.
// Errors: invalid (names the member, says why it cannot be expanded), no_space, failed.
Result<std::vector<ExpandedMember>> expand_members(const std::string& tree,
                                                   const ExpandOptions& options,
                                                   const std::string& scratch);

// A new file with its folders, for writing; an existing file for reading. Errors: no_space, failed.
Result<Fd> create_member(const std::string& path);
Result<Fd> open_member(const std::string& path);

}  // namespace cube
