// Carry-over: the few things of the running system that a new slot takes along (machine id, host
// keys, ...). A plain copy; for what a machine changed in /etc see slots/etc_rules.h.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

// Copies each path, a file, link or folder, with owner, mode, times and extended attributes, over what is there. A path
// that does not exist in `from` is left as the release has it. Errors: no_space, failed.
Status carry_over(const RootDir& from, const RootDir& to, const std::vector<std::string>& paths);

// `path` (relative, no leading '/') is one of `paths` or lies below one.
[[nodiscard]] bool is_carried_over(const std::string& path, const std::vector<std::string>& paths);

}  // namespace cube
