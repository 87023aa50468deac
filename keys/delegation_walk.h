// The search for a target: the top targets role first, then the roles it delegates to, each with
// its own before its sisters (specification 5.6.7).
//
// A role is asked only for targets that every delegation on the way to it covers, and once; after a
// terminating delegation no other is asked. At most 32 delegated roles are visited, 8 levels deep,
// and comparing targets with patterns takes about a second at most.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "keys/metadata.h"

namespace cube {

// The document of a delegated role, verified by the keys of `delegator`, whose name is given for
// remembering.
using LoadDelegated = std::function<Result<std::shared_ptr<const Targets>>(
    const std::string& delegator_name, const Targets& delegator, const DelegatedRole& role)>;

// True when the delegation covers the target.
[[nodiscard]] bool covers(const DelegatedRole& role, const std::string& target);

// Who describes a target: a role, and the one in whose name it does; "" for the top role.
struct Signer {
  std::string role;
  std::string delegator;
};
struct FoundTarget {
  TargetFile file;
  Signer by;
};

// How the first role that knows the target describes it.
// Errors: not_found, corrupt (more roles, levels or work), and those of `load`.
Result<FoundTarget> find_target(const std::shared_ptr<const Targets>& top,
                                const std::string& target, const LoadDelegated& load);

// Names of the releases that any role describes and find_target finds. Roles whose patterns fit no
// manifest are not asked. Errors: as find_target.
Result<std::set<std::string>> find_releases(const std::shared_ptr<const Targets>& top,
                                            const LoadDelegated& load);

}  // namespace cube
