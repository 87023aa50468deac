// The verdicts of health of the last attempts, kept for people: FOLDER/N.json.
#pragma once

#include <optional>
#include <string>

#include "agent/health/health_gate.h"
#include "base/json.h"
#include "base/root_dir.h"

namespace cube {

// {"passed": ..., "checks": [{"name", "passed", "required", "failed_before", "tries", "detail"}]}
[[nodiscard]] Json verdict_json(const Verdict& verdict);
// One line: what failed and why, and what that counted for; "": all passed.
[[nodiscard]] std::string verdict_text(const Verdict& verdict);

// Durable; those of attempts that the history no longer holds are removed. Errors: no_space,
// failed.
Status save_verdict(const RootDir& root, const std::string& folder, std::uint64_t attempt,
                    const Verdict& verdict);
// nullopt: there is none. Errors: corrupt, failed.
[[nodiscard]] Result<std::optional<Verdict>> load_verdict(const RootDir& root,
                                                          const std::string& folder,
                                                          std::uint64_t attempt);

}  // namespace cube
