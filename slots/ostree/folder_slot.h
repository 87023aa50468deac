// For image builders and installers: the first content of a slot, in a plain folder.
#pragma once

#include "base/progress.h"
#include "base/result.h"
#include "base/root_dir.h"
#include "model/release.h"
#include "slots/slot_store.h"

namespace cube {

// Fills `folder` with the release, verifies it and seals it (attempt 0). The folder becomes the
// root of a slot's filesystem (mkfs -d keeps hard links). Errors: as SlotStore::fill() and
// verify().
Status install_in_folder(const RootDir& folder, const Release& release, const ObjectSource& source,
                         const ProgressSink& progress);

}  // namespace cube
