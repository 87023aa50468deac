// One file of a release that a source offers, without the rest of the release.
#pragma once

#include <cstddef>
#include <string>

#include "base/progress.h"
#include "base/root_dir.h"
#include "slots/slot_store.h"

namespace cube {

// Fetches the objects that lead to the file from the source's repository of single objects, each
// proved by the release's commit. A folder below `root` holds them meanwhile, and is removed.
// Errors: not_found (the release has no such file), corrupt (damaged, more than max_bytes),
// refused (not through the fetch service), unreachable, cancelled, no_space, failed.
[[nodiscard]] Result<std::string> offered_file(const RootDir& root, const std::string& commit,
                                               const ObjectSource& source, const std::string& path,
                                               std::size_t max_bytes, const ProgressSink& progress);

}  // namespace cube
