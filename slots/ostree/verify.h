// Compares a laid out tree, path by path, with the commit it was laid out from.
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

// Type, mode, owner and extended attributes (both where the repository keeps owners), link target
// and content of every path of the commit, and no path besides them. Content is proved by being the
// very inode of a verified object, or compared byte by byte with it. The objects themselves must
// have been verified before. Errors: corrupt (names the path), failed.
Status verify_paths(const Repository& repository, const std::string& commit, const RootDir& tree,
                    const Tolerance& tolerance);

}  // namespace cube
