// Compares the tree that runs with the commit it was laid out from, and lists what is different
// instead of ending at the first. Inside slots/ostree only.
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "base/root_dir.h"
#include "slots/ostree/repository.h"
#include "slots/slot_drift.h"

namespace cube {

// How thoroughly. A file is a hard link to its object, so one that was replaced has another inode;
// one that was written to in place has not, and changed the object, too.
enum class Look {
  quick,  // reads what has another inode than its object, or was changed after the seal was
          // written, as the kernel's own time of the inode says
  full,   // reads every file; and tells what Python compiled beside its source
};

// `tolerated`: paths at and below which nothing is compared. Where another file system is mounted
// nothing is compared, either. Paths that the commit does not have are only told in folders of
// programs (usr, boot, opt, bin, sbin, lib...). Only reads, from the cache. Errors: corrupt (the
// commit or one of its folders), cancelled, failed.
Result<Drift> drift_of(const Repository& repository, const std::string& commit,
                       const RootDir& tree, const std::vector<std::string>& tolerated, Look look,
                       const ProgressSink& progress);

}  // namespace cube
