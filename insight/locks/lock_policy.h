// LockPolicy: which packages must not drift, and what a release breaks of it.
//
// A policy is made of files (insight/locks/lock_file.h; docs/formats/locks.md) that only add to
// each other: there is no rule that takes another one back. `kernel` in it is, besides packages of
// that name, the kernel that boots, so that it can be held on every system.
//
// Pure. What the offered release does not tell counts as a breach; what it would have to be
// compared with, and is not there, is said and breaks nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "insight/finding.h"
#include "insight/inventory/inventory.h"

namespace cube::insight {

// Who may loosen a rule depends on who set it: the publisher waives his own ones only.
enum class LockOwner : std::uint8_t { publisher, site };
// The check of its findings: "lock", "site-lock".
[[nodiscard]] std::string check_of(LockOwner owner);
// Whether it tells of a rule, whoever set it.
[[nodiscard]] bool is_lock(const Finding& finding);

struct LockOrigin {
  LockOwner owner = LockOwner::publisher;
  std::string place;  // file:line
};

struct VersionBound {
  enum class Relation : std::uint8_t { less, at_most, equal, at_least, greater };
  Relation relation{};
  std::string version;
};

struct LockDemand {
  enum class Kind : std::uint8_t {
    versions,         // one of these patterns
    range,            // all of these bounds
    never_downgrade,  // not older than what runs
    same_as_running,
    forbid,  // not in the release at all
  };
  Kind kind{};
  std::vector<std::string> versions;  // patterns (base/glob.h)
  std::vector<VersionBound> bounds;
  std::string text;  // as it was written
};

struct LockRule {
  std::string package;  // pattern for a name ("bash") or a whole key ("bash:amd64")
  LockDemand demand;
  LockOrigin origin;
};

// Packages that have one version, all of them that are in the release.
struct LockGroup {
  std::string name;
  std::vector<std::string> members;  // as LockRule::package
  LockOrigin origin;
};

struct LockPolicy {
  std::vector<LockRule> rules;
  std::vector<LockGroup> groups;

  [[nodiscard]] bool empty() const { return rules.empty() && groups.empty(); }
};

inline constexpr std::size_t max_lock_rules = 16000;   // of a policy, with its groups
inline constexpr std::size_t max_lock_patterns = 256;  // of these, names that are patterns
inline constexpr std::size_t max_lock_findings =
    200;  // what is more is one finding with their number

// Only what is wrong or not known. `running`: what is compared with where a rule says so; nullptr:
// nothing. A finding's object is the package's name, "group/NAME", or "policy".
[[nodiscard]] Findings lock_breaches(const LockPolicy& policy, const Inventory& offered,
                                     const Inventory* running);
// For who has no inventory of the release: a policy that cannot be checked is broken.
[[nodiscard]] Findings unchecked_locks(const LockPolicy& policy, const std::string& why);

}  // namespace cube::insight
