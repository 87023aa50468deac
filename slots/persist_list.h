// What a release wants to be carried over besides slots.carry-over, as its own tree says: a text,
// usr/lib/cube-update/persist, with one path in each line. The release's commit covers it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

inline constexpr std::size_t max_persisted = 64;  // paths

// Paths below etc, var, root, home or srv, without a leading '/'; "#" begins a comment. Pure.
// Errors: corrupt (another path, ".." or too many).
[[nodiscard]] Result<std::vector<std::string>> parse_persist_list(std::string_view text);

// Of this slot's tree; empty where there is none. Errors: corrupt, failed.
[[nodiscard]] Result<std::vector<std::string>> read_persist_list(const RootDir& slot);

}  // namespace cube
