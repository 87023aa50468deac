// Compares a laid out tree, path by path, with the commit it was laid out from. Inside slots/ostree
// only.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/root_dir.h"
#include "slots/ostree/repository.h"

namespace cube {

// How a tree may differ from its commit.
struct Tolerance {
  std::vector<std::string> changed;  // paths at and below which nothing is compared
  bool additions = false;            // whether there may be paths that the commit does not have
};

// Type, mode, owner and extended attributes (all three where the repository keeps owners), link
// target and content of every path of the commit, and no path besides them. A file is proved by
// being the very inode that was `checked` as its object, or by having the bytes that its object's
// name says, read from the device. Errors: corrupt (names the path), failed.
Status verify_paths(const Repository& repository, const std::string& commit,
                    const CheckedCommit& checked, const RootDir& tree, const Tolerance& tolerance);

}  // namespace cube
