// The versions that kernel modules of a tree have of their own: vendors' drivers do.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/root_dir.h"
#include "insight/inventory/inventory.h"

namespace cube::insight {

using NamedModule = std::pair<std::string, std::string>;  // name, path in the tree
// TreeReaders::expanded_module
using ExpandModule = std::function<Result<std::string>(const Fd& file, const std::string& name)>;

struct ModuleVersions {
  Entries versions;                     // name -> version
  std::vector<std::string> unreadable;  // a line for each module that cannot be read
};

// The section .modinfo of a module's file. Errors: corrupt (no module, or compressed and no
// `expand`), not_found, failed, those of `expand`.
[[nodiscard]] Result<std::string> modinfo_of_file(const RootDir& tree, const std::string& path,
                                                  const ExpandModule& expand);
// With several threads. A compressed module is not known without `expand`. Errors: failed (no
// threads), those of `expand` but invalid and corrupt.
[[nodiscard]] Result<ModuleVersions> module_versions(const RootDir& tree,
                                                     const std::vector<NamedModule>& files,
                                                     const ExpandModule& expand);

}  // namespace cube::insight
