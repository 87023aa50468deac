// What is different in /etc: the merge (slots/ostree/etc_merge.h) as a question. Inside slots/ostree
// only.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/root_dir.h"
#include "slots/etc_difference.h"
#include "slots/ostree/commit_reader.h"

namespace cube {

// Between `local`/etc and what `old`, the commit that `local` was laid out from, has there; with
// `release`, where both changed the same: those are the conflicts that a merge would meet. `carried`
// are slots.carry-over. Only reads; `scratch` is a folder for a file or two. Errors: corrupt (an
// object is missing, folders 64 deep), failed.
Result<EtcDifferences> etc_differences(const CommitAt& old, const RootDir& local,
                                       const CommitAt* release,
                                       const std::vector<std::string>& carried,
                                       const RootDir& scratch);

}  // namespace cube
