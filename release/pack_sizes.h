// What a pack takes, folder by folder.
#pragma once

#include <vector>

#include "release/packer.h"
#include "slots/ostree/commit_objects.h"

namespace cube {

// `objects` are those of the index, in its order. Sorted by path.
[[nodiscard]] std::vector<FolderSize> folder_sizes(const PackIndex& index,
                                                   const std::vector<CommitObject>& objects);

}  // namespace cube
