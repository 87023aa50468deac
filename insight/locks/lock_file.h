// locks.toml: the rules of a LockPolicy as people write them (docs/formats/locks.md).
//
//   [locks]
//   kernel = "4.18.0-348.*"
//   openssl = ["never downgrade", "< 1:3.2"]
//   [groups]
//   kernel = ["kernel", "kernel-core", "kernel-modules"]
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "insight/locks/lock_policy.h"

namespace cube::insight {

inline constexpr std::size_t max_lock_file_bytes = 1024 * 1024;

// Adds the rules of one file to the policy. `file` is its name in messages and origins.
// Errors: invalid (file:line: what: an unknown key, a rule that is none, more than a policy holds).
[[nodiscard]] Status add_locks(std::string_view text, const std::string& file, LockOwner owner,
                               LockPolicy& policy);

// A file with these rules; those of a package stand together. Read back it gives the same policy.
[[nodiscard]] std::string locks_text(const LockPolicy& policy);

// Which packages of an inventory get a rule.
struct LockChoice {
  bool kernel_only = false;           // the kernel that boots, and what comes with it
  std::vector<std::string> packages;  // patterns; none: all
};
// A file that holds these at the versions that they have, and the kernel's packages together.
// Errors: not_found (nothing to hold), invalid (a name or version that no rule can have).
[[nodiscard]] Result<std::string> locks_of(const Inventory& inventory, const LockChoice& choice);

}  // namespace cube::insight
