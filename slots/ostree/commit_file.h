// One file of a release in an archive repository, read by its path.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace cube {

// `repository`: its path; `path` from the tree's top on, through folders only. Unverified: who
// signed the commit is for others to say. Errors: not_found (no such commit or regular file),
// corrupt (more than max_bytes, unreadable), failed.
[[nodiscard]] Result<std::string> file_of_commit(const std::string& repository,
                                                 const std::string& commit, const std::string& path,
                                                 std::size_t max_bytes);

}  // namespace cube
