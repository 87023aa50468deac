// plan_delta: what a delta from one commit to another holds, and what each object is made of.
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "slots/ostree/commit_objects.h"
#include "slots/pack/pack_writer.h"

namespace cube {

struct PlannedObject {
  CommitObject object;
  std::vector<BaseWindows> windows;  // as PackWriter::base_next_on() takes them
};

// The objects that `to` has and `from` lacks, in the order in which the delta shall have them: what
// is larger than a chunk comes last, for it may be made of new files before it.
//
// The bases of a file are looked for by its path and by its content; of few likely ones the one is
// taken with which the file compresses best. Every file of both commits that are in the archive
// repository is read. The same commits give the same plan, whatever the number of threads.
// Errors: corrupt (repository damaged), failed.
Result<std::vector<PlannedObject>> plan_delta(const std::string& repository,
                                              const CommitObjects& from, const CommitObjects& to,
                                              unsigned threads, const ProgressSink& progress);

}  // namespace cube
