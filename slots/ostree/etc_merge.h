// The three-way merge of /etc into a slot that was laid out (slots/etc_rules.h). Inside
// slots/ostree only.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/root_dir.h"
#include "slots/etc_rules.h"
#include "slots/merged_paths.h"
#include "slots/ostree/commit_reader.h"

namespace cube {

// Makes what is below etc in `target` what the rules choose of: `old`, the commit that `local`, the
// running tree, was laid out from; `local` itself; and `release`, the commit of `target`. Below
// `excepted` nothing is touched. May be called again, also after `local` has changed, and after a
// cut; nothing is synced. Sockets and the like stay behind. Errors: corrupt (an object is missing,
// folders 64 deep), no_space, failed. Missing and damaged objects of `old` are no error: what
// nobody can compare any more counts as changed by the machine.
Result<MergedPaths> merge_etc(const CommitAt& old, const RootDir& local, const CommitAt& release,
                              const RootDir& target, const std::vector<std::string>& excepted,
                              EtcSide wins);

}  // namespace cube
