// What the merge of /etc made of a slot, as the slot remembers it: .cube/merged, a JSON object.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

// Of a folder that has everything the release brings but its owner and mode: PATH/.
inline constexpr const char* own_meta = "/.";

// Paths below the slot's root, sorted.
struct MergedPaths {
  std::vector<std::string> local;  // at and below which the slot has not what the release brings
  std::vector<std::string> conflicts;  // where machine and release had changed the same

  friend bool operator==(const MergedPaths&, const MergedPaths&) = default;
};

// Empty where there are none. Errors: corrupt, failed.
[[nodiscard]] Result<MergedPaths> read_merged_paths(const RootDir& slot);
// Durable. Errors: no_space, failed, corrupt (a path that is no UTF-8).
Status write_merged_paths(const RootDir& slot, const MergedPaths& paths);

}  // namespace cube
