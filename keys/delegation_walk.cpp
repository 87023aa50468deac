#include "keys/delegation_walk.h"

#include <algorithm>
#include <vector>

#include "base/digest.h"
#include "base/glob.h"
#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::size_t max_visited = 32;
constexpr std::size_t max_levels = 8;
constexpr std::size_t max_releases = 4096;
constexpr std::uint64_t max_work = std::uint64_t{1} << 30;  // about a second
constexpr std::uint64_t work_of_a_hash = 1024;
constexpr const char* top_role = "targets";

// A role that is to be visited: how it got there, and whom to ask for it.
struct Visit {
  std::string delegator_name;
  std::shared_ptr<const Targets> delegator;  // null for the top role
  const DelegatedRole* role = nullptr;       // of the delegator
  std::size_t level = 0;
};

// What comparing targets with delegations may cost in one search, in pairs of bytes. Whoever signs
// for a delegated role could otherwise keep an appliance busy for a quarter of an hour.
class Work {
 public:
  Status add(const DelegatedRole& role, const std::string& target) {
    if (!role.path_hash_prefixes.empty()) done_ += work_of_a_hash;
    for (const auto& pattern : role.paths) done_ += pattern.size() * target.size();
    if (done_ <= max_work) return ok();
    return Error{Errc::corrupt, "targets: too many long patterns for so many targets"};
  }

 private:
  std::uint64_t done_ = 0;
};

// Visits roles in order. `wanted` chooses the delegations to follow; `use` looks at a document,
// told who signed it in whose name, and says whether the search is over.
class Walk {
 public:
  using Wanted = std::function<Result<bool>(const DelegatedRole&)>;
  using Use = std::function<bool(const Targets&, const Signer&)>;
  Walk(const LoadDelegated& load, Wanted wanted, Use use, bool heed_terminating)
      : load_(load),
        wanted_(std::move(wanted)),
        use_(std::move(use)),
        heed_terminating_(heed_terminating) {}

  // True when `use` ended the search.
  Result<bool> run(const std::shared_ptr<const Targets>& top) {
    if (use_(*top, {top_role, ""})) return true;
    CUBE_CHECK(push_children(top_role, top, 0));
    while (!pending_.empty()) {
      const Visit visit = std::move(pending_.back());
      pending_.pop_back();
      if (!visited_.insert(visit.role->name).second) continue;
      if (visited_.size() > max_visited) return too_many("more than 32 delegated roles");
      if (visit.level > max_levels) return too_many("delegated more than 8 levels deep");
      CUBE_TRY(const auto document, load_(visit.delegator_name, *visit.delegator, *visit.role));
      if (use_(*document, {visit.role->name, visit.delegator_name})) return true;
      CUBE_CHECK(push_children(visit.role->name, document, visit.level));
    }
    return false;
  }

 private:
  static Error too_many(const std::string& what) { return {Errc::corrupt, "targets: " + what}; }

  // The first child ends on top of the stack. What a terminating delegation covers is nobody
  // else's: neither that of later sisters nor of roles that still wait.
  Status push_children(const std::string& name, const std::shared_ptr<const Targets>& document,
                       std::size_t level) {
    std::vector<Visit> children;
    for (const auto& role : document->delegated) {
      CUBE_TRY(const bool is_wanted, wanted_(role));
      if (!is_wanted) continue;
      children.push_back({name, document, &role, level + 1});
      if (!role.terminating || !heed_terminating_) continue;
      pending_.clear();
      break;
    }
    pending_.insert(pending_.end(), children.rbegin(), children.rend());
    return ok();
  }

  const LoadDelegated& load_;
  Wanted wanted_;
  Use use_;
  bool heed_terminating_;
  std::vector<Visit> pending_;
  std::set<std::string> visited_;
};

bool path_matches(std::string_view pattern, std::string_view path) {
  for (;;) {
    const auto pattern_end = pattern.find('/');
    const auto path_end = path.find('/');
    if (!glob_fits(pattern.substr(0, pattern_end), path.substr(0, path_end))) return false;
    if (pattern_end == std::string_view::npos || path_end == std::string_view::npos)
      return pattern_end == path_end;
    pattern.remove_prefix(pattern_end + 1);
    path.remove_prefix(path_end + 1);
  }
}

}  // namespace

bool covers(const DelegatedRole& role, const std::string& target) {
  if (mutated("delegation-covers-all")) return true;
  const auto hash = role.path_hash_prefixes.empty() ? "" : to_hex(sha256(target));
  return std::any_of(role.paths.begin(), role.paths.end(),
                     [&](const auto& pattern) { return path_matches(pattern, target); }) ||
         std::any_of(role.path_hash_prefixes.begin(), role.path_hash_prefixes.end(),
                     [&](const auto& prefix) { return hash.starts_with(prefix); });
}

namespace {

// Whether a role may list manifests at all. Where it may not, a release list does without it.
bool may_offer_releases(const DelegatedRole& role) {
  if (!role.path_hash_prefixes.empty()) return true;
  const auto fits = [](std::string_view pattern) {
    const auto first = pattern.find('/'), last = pattern.rfind('/');
    if (first == std::string_view::npos || pattern.find('/', first + 1) != last || first == last)
      return false;
    return glob_fits(pattern.substr(0, first), "releases") &&
           glob_fits(pattern.substr(last + 1), "manifest.json");
  };
  return std::any_of(role.paths.begin(), role.paths.end(), fits);
}

Result<FoundTarget> find_target(const std::shared_ptr<const Targets>& top,
                                const std::string& target, const LoadDelegated& load, Work& work) {
  FoundTarget answer;
  const auto wanted = [&](const DelegatedRole& role) -> Result<bool> {
    CUBE_CHECK(work.add(role, target));
    return covers(role, target);
  };
  const auto use = [&](const Targets& document, const Signer& signer) {
    const auto found = document.files.find(target);
    if (found == document.files.end()) return false;
    answer = {found->second, signer};
    return true;
  };
  CUBE_TRY(const bool found, Walk(load, wanted, use, true).run(top));
  if (!found) return Error{Errc::not_found, target + ": not among the targets"};
  return answer;
}

}  // namespace

Result<FoundTarget> find_target(const std::shared_ptr<const Targets>& top,
                                const std::string& target, const LoadDelegated& load) {
  Work work;
  return find_target(top, target, load, work);
}

Result<std::set<std::string>> find_releases(const std::shared_ptr<const Targets>& top,
                                            const LoadDelegated& load) {
  std::set<std::string> names;
  const auto wanted = [](const DelegatedRole& role) -> Result<bool> {
    return may_offer_releases(role);
  };
  const auto use = [&](const Targets& document, const Signer&) {
    for (const auto& [name, file] : document.releases) names.insert(name);
    return names.size() > max_releases;
  };
  CUBE_TRY(const bool too_many, Walk(load, wanted, use, false).run(top));
  if (too_many) return Error{Errc::corrupt, "targets: more than 4096 releases"};
  std::set<std::string> offered;
  Work work;
  for (const auto& name : names) {
    const auto found = find_target(top, target_of_release(name), load, work);
    if (found)
      offered.insert(name);
    else if (found.error().code != Errc::not_found)
      return found.error();
  }
  return offered;
}

}  // namespace cube
