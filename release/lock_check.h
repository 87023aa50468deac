// The publisher's locks: what must not drift from release to release, held against a release when
// it is composed, and once more before it is published (docs/formats/locks.md).
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "insight/inventory/inventory.h"
#include "insight/locks/lock_policy.h"
#include "insight/locks/waiver.h"
#include "release/publisher.h"

namespace cube {

// In a repository.
inline constexpr const char* publisher_locks_file = "publisher/locks.toml";

// `file`: another one; "": the repository's, which need not be there.
// Errors: invalid (file:line: what), not_found (the named file), corrupt, failed.
[[nodiscard]] Result<insight::LockPolicy> publisher_locks(const Publisher& publisher,
                                                          const std::string& file);

// The inventory of the newest published release that is older; nullopt: none, or without one.
// Errors: corrupt, failed.
[[nodiscard]] Result<std::optional<insight::Inventory>> inventory_before(const Publisher& publisher,
                                                                         const ReleaseName& name);

// What a release that is in the repository breaks; what its own waivers let through is marked.
// Errors: corrupt, failed.
[[nodiscard]] Result<insight::Findings> broken_locks(const Publisher& publisher,
                                                     const insight::LockPolicy& policy,
                                                     const Release& release, UnixSeconds now);

// Errors: refused (the first of the rules that are broken, how many more).
[[nodiscard]] Status demand_locks(const insight::Findings& findings);
// The same of all releases that are pending. Errors: as above.
[[nodiscard]] Status demand_locks_of_pending(const Publisher& publisher,
                                             const insight::LockPolicy& policy, UnixSeconds now);

}  // namespace cube
