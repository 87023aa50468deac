// The executables that an appliance brings for cube-update: one folder for each occasion, below
// usr/lib/cube-update (the release's) and etc/cube-update (the site's). One set of rules for all of
// them; docs/hooks.md tells it to those who write hooks.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

inline constexpr std::size_t max_hooks = 100;     // of one occasion
inline constexpr std::size_t max_hook_name = 64;  // bytes

struct Hook {
  std::string name;    // of the file; hooks run in its order
  std::string path;    // below the root
  std::string defect;  // why it must not run, for people; "": it may
};

// The hooks of `occasion`, such as "green.d" or "health/required.d", in order. A file in etc
// replaces one of the same name in usr/lib; an empty file or a link to /dev/null takes it out. What
// editors and packages leave (NAME~, *.bak, *.swp, *.dpkg-*, *.rpm*, hidden files) is passed over.
// A file that is not executable, that others may write or replace, or that is not root's when we
// are, stays in the list, with its defect: it was meant to run. Errors: failed, corrupt (more than
// max_hooks).
[[nodiscard]] Result<std::vector<Hook>> hooks_in(const RootDir& root, const std::string& occasion);

}  // namespace cube
