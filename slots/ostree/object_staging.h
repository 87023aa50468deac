// Downloads ahead what ObjectFill would download. Inside slots/ostree only.
#pragma once

#include <string>

#include "base/progress.h"
#include "base/result.h"
#include "base/root_dir.h"
#include "model/release.h"
#include "slots/slot_store.h"

namespace cube {

// `own`, `running`: paths of the slots' repositories, or "". `source.staging` is below `root`.
// Errors: unreachable, corrupt, no_space (before the first byte, with figures), failed (also: the
// release has no pack that this machine can use), cancelled.
Status stage_objects(const RootDir& root, const std::string& own, const std::string& running,
                     const Release& release, const ObjectSource& source,
                     const ProgressSink& progress);

}  // namespace cube
