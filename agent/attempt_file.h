// One file for each of the last attempts, FOLDER/N.json: what would be too much for the journal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

[[nodiscard]] std::string attempt_file(const std::string& folder, std::uint64_t attempt);
// Durable, whole or not at all; those of attempts that the history no longer holds are removed.
// Errors: no_space, failed.
Status save_attempt_file(const RootDir& root, const std::string& folder, std::uint64_t attempt,
                         std::string_view text);

}  // namespace cube
