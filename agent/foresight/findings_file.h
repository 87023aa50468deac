// What was found before the last trials, kept for people: FOLDER/N.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/root_dir.h"
#include "insight/finding.h"

namespace cube {

inline constexpr std::size_t max_findings_file_bytes = 8 * 1024 * 1024;

// Durable; those of attempts that the history no longer holds are removed. Errors: no_space,
// failed.
Status save_findings(const RootDir& root, const std::string& folder, std::uint64_t attempt,
                     const insight::Findings& findings);
// nullopt: there are none. Errors: corrupt, failed.
[[nodiscard]] Result<std::optional<insight::Findings>> load_findings(const RootDir& root,
                                                                     const std::string& folder,
                                                                     std::uint64_t attempt);

}  // namespace cube
