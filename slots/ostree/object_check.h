// Whether the objects of a repository are what their names say. Inside slots/ostree only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "slots/ostree/object_reader.h"

namespace cube {

// Re-reads every object on all cores: content, owner, mode, extended attributes; of any kind of
// repository. Calls `damaged`, one call at a time and from any thread, for each one that is
// missing, unreadable or not what its name says, with the reason; when it returns false, the check
// ends early. `progress` is called from the caller's thread, for `stage`: in bytes of a bare
// repository, in objects of another. The result has one entry for each id, zeros for a damaged one.
// Errors: failed (repository, threads).
Result<std::vector<CheckedObject>> check_objects(
    const std::string& repository, const std::vector<ObjectId>& ids, Reading reading,
    const std::string& stage, const ProgressSink& progress,
    const std::function<bool(const ObjectId&, const Error&)>& damaged);

}  // namespace cube
