// Compares a laid out tree, path by path, with the commit it was laid out from.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/root_dir.h"
#include "slots/ostree/repository.h"

namespace cube {

// Type, mode, owner (where the repository keeps owners), link target and content of every path of the
// commit, and no path besides them. Content is proved by being the very inode of a verified object,
// or compared byte by byte with it. Below `carried` nothing is compared.
// The objects themselves must have been verified before. Errors: corrupt (names the path), failed.
Status verify_paths(const Repository& repository, const std::string& commit, const RootDir& tree,
                    const std::vector<std::string>& carried);

}  // namespace cube
