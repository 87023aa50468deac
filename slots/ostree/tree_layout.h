// Lays the tree of a commit out in a slot. Inside slots/ostree only.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "base/root_dir.h"
#include "slots/ostree/bare_files.h"
#include "slots/ostree/repository.h"

namespace cube {

// Names at the top of a slot that are not part of any release.
[[nodiscard]] bool is_slots_own(const std::string& name);

// Folders at the top whose files a running system writes to.
inline constexpr std::array<const char*, 2> written_by_systems{"etc", "var"};

// Makes `tree` the tree of the commit, whose `objects` the repository has: what is right
// already stays, the rest is removed or made. A file is a hard link to its object, known by its
// inode; below /etc and /var, which a running system writes to, it is a copy of its own, compared
// byte by byte. Folders get owner, mode and extended attributes, "/" too. Cut off anywhere, it may
// be called again; nothing is synced. Errors: corrupt (an object is missing), no_space, failed.
Status lay_out(const Repository& repository, const std::string& commit,
               const std::vector<BareObject>& objects, const RootDir& tree,
               const ProgressSink& progress);

}  // namespace cube
