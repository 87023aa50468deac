// Which objects a commit consists of. Inside slots/ostree only.
#pragma once

#include <functional>
#include <vector>

#include "base/result.h"
#include "slots/ostree/commit_objects.h"
#include "slots/ostree/glib.h"

namespace cube {

// Finds a commit or dirtree. Errors: corrupt (missing, damaged), those of the place it comes from.
using FindTree = std::function<Result<glib::Variant>(const ObjectId&)>;

// In that repository.
[[nodiscard]] FindTree find_in(OstreeRepo* repository);

// Each object once: the commit, dirtrees, dirmetas, files, each kind folder by folder. `paths`
// gets what CommitObjects::paths() says. Errors: corrupt (no sense, too deep), those of `find`.
Result<std::vector<CommitObject>> walk_commit(const Sha256& commit, const FindTree& find,
                                              std::vector<CommitPath>* paths = nullptr);

}  // namespace cube
