#include "insight/locks/lock_policy.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/glob.h"
#include "base/mutation.h"
#include "insight/locks/locked_packages.h"
#include "insight/locks/version_order.h"

namespace cube::insight {
namespace {

using Kind = LockDemand::Kind;
using Relation = VersionBound::Relation;

bool is_relative(const LockDemand& demand) {
  return demand.kind == Kind::never_downgrade || demand.kind == Kind::same_as_running;
}

bool holds(Relation relation, int order) {
  switch (relation) {
    case Relation::less:
      return order < 0;
    case Relation::at_most:
      return order <= 0;
    case Relation::equal:
      return order == 0;
    case Relation::at_least:
      return order >= 0;
    case Relation::greater:
      return order > 0;
  }
  return false;
}

std::string joined(const std::vector<std::string>& versions) {
  std::string all;
  for (const auto& version : versions) all += (all.empty() ? "" : " and ") + version;
  return all;
}

class Judge {
 public:
  Judge(const Inventory& offered, const Inventory* running)
      : offered_(offered), running_(running), offered_index_(offered) {
    if (running != nullptr) running_index_.emplace(*running);
  }

  void judge(const LockRule& rule);
  void judge(const LockGroup& group);
  Findings findings();

 private:
  void breach(const LockOrigin& origin, const std::string& object, const std::string& what,
              const std::string& rule);
  void judge_present(const LockRule& rule, const LockedPackages& found);
  void judge_against_running(const LockRule& rule, const LockedPackages& found);
  [[nodiscard]] std::optional<bool> fits(const LockDemand& demand,
                                         const LockedPackage& package) const;
  [[nodiscard]] std::optional<bool> sinks(const LockedPackage& from, const LockedPackage& to) const;
  // The oldest or the newest of the versions.
  [[nodiscard]] std::optional<std::string> extreme(const LockedPackage& package, int wanted) const;

  const Inventory& offered_;
  const Inventory* running_;
  PackageIndex offered_index_;
  std::optional<PackageIndex> running_index_;
  VersionOrder order_;
  Findings findings_;
  std::map<LockOwner, std::size_t> more_;  // breaches that found no room
  std::set<LockOwner> unproved_, alone_;   // whose rules lacked the offered, the running packages
};

std::string written(const std::string& name, const std::string& text) {
  return name + " = \"" + text + "\"";
}

void Judge::breach(const LockOrigin& origin, const std::string& object, const std::string& what,
                   const std::string& rule) {
  if (findings_.size() + 1 >= max_lock_findings) {
    ++more_[origin.owner];
    return;
  }
  const Finding found{
      check_of(origin.owner),
      object,
      Grade::refusal,
      what + ", which breaks the rule " + rule + " of " + origin.place,
      "take a release that keeps the rule, or waive " + check_of(origin.owner) + ":" + object,
      ""};
  if (std::find(findings_.begin(), findings_.end(), found) == findings_.end())
    findings_.push_back(found);
}

std::optional<bool> Judge::fits(const LockDemand& demand, const LockedPackage& package) const {
  const auto one = [&](const std::string& version) -> std::optional<bool> {
    if (demand.kind == Kind::versions)
      return std::any_of(demand.versions.begin(), demand.versions.end(), [&](const auto& pattern) {
        const auto like = [&](const std::string& text) { return glob_fits(pattern, text); };
        return like(version) ||
               std::any_of(package.spellings.begin(), package.spellings.end(), like);
      });
    for (const auto& bound : demand.bounds) {
      const auto order = mutated("versions-compared-as-text")
                             ? std::optional<int>(version.compare(bound.version))
                             : order_.compare(package.kind, version, bound.version);
      if (!order) return std::nullopt;
      if (!holds(bound.relation, *order)) return false;
    }
    return true;
  };
  for (const auto& version : package.versions)
    if (const auto fit = one(version); !fit || !*fit) return fit;
  return !package.versions.empty();
}

std::optional<std::string> Judge::extreme(const LockedPackage& package, int wanted) const {
  std::optional<std::string> best;
  for (const auto& version : package.versions) {
    if (!best) {
      best = version;
      continue;
    }
    const auto order = order_.compare(package.kind, version, *best);
    if (!order) return std::nullopt;
    if (*order == wanted) best = version;
  }
  return best;
}

std::optional<bool> Judge::sinks(const LockedPackage& from, const LockedPackage& to) const {
  for (const int wanted : {-1, 1}) {
    const auto old_one = extreme(from, wanted), new_one = extreme(to, wanted);
    if (!old_one || !new_one) return std::nullopt;
    const auto order = order_.compare(to.kind, *new_one, *old_one);
    if (!order) return std::nullopt;
    if (*order < 0) return true;
  }
  return false;
}

void Judge::judge_present(const LockRule& rule, const LockedPackages& found) {
  const auto text = written(rule.package, rule.demand.text);
  if (found.empty() && rule.demand.kind != Kind::forbid && !is_glob(rule.package)) {
    if (offered_.knows("packages"))
      breach(rule.origin, rule.package, rule.package + " is not in the release", text);
    return;
  }
  for (const auto& [label, package] : found) {
    const auto name = label + " is " + joined(package.versions);
    if (rule.demand.kind == Kind::forbid) {
      breach(rule.origin, package.object, name, text);
      continue;
    }
    const auto fit = fits(rule.demand, package);
    if (!fit)
      breach(rule.origin, package.object, name + ", and nothing here can compare that", text);
    else if (!*fit)
      breach(rule.origin, package.object, name, text);
  }
}

void Judge::judge_against_running(const LockRule& rule, const LockedPackages& found) {
  const auto text = written(rule.package, rule.demand.text);
  auto before = running_index_->find(rule.package, KernelView::name);
  before.merge(running_index_->find(rule.package, KernelView::packages));
  const bool same = rule.demand.kind == Kind::same_as_running;
  for (const auto& [label, package] : before) {
    const auto now = found.find(label);
    const auto was = joined(package.versions);
    if (now == found.end()) {
      if (same && offered_.knows("packages"))
        breach(rule.origin, package.object, label + " is gone; " + was + " runs", text);
      continue;
    }
    const auto name = label + " is " + joined(now->second.versions) + "; " + was + " runs";
    // The kernel's other spelling is its whole name: another flavour is another kernel.
    const bool equal =
        now->second.versions == package.versions && now->second.spellings == package.spellings;
    const auto wrong = same ? std::optional<bool>(!equal) : sinks(package, now->second);
    if (!wrong || *wrong) breach(rule.origin, package.object, name, text);
  }
  if (!same || !running_->knows("packages")) return;
  for (const auto& [label, package] : found)
    if (!before.contains(label))
      breach(rule.origin, package.object, label + " is new, as " + joined(package.versions), text);
}

void Judge::judge(const LockRule& rule) {
  const auto owner = rule.origin.owner;
  if (!offered_.knows("packages")) unproved_.insert(owner);
  auto found = offered_index_.find(rule.package, KernelView::name);
  if (!is_relative(rule.demand)) return judge_present(rule, found);
  if (running_ == nullptr || !running_->knows("packages")) alone_.insert(owner);
  if (running_ == nullptr) return;
  found.merge(offered_index_.find(rule.package, KernelView::packages));
  judge_against_running(rule, found);
}

void Judge::judge(const LockGroup& group) {
  if (mutated("lock-group-ignored")) return;
  if (!offered_.knows("packages")) unproved_.insert(group.origin.owner);
  LockedPackages all;
  for (const auto& member : group.members)
    all.merge(offered_index_.find(member, KernelView::packages));
  std::map<std::string, std::string> first;  // version -> who has it
  for (const auto& [label, package] : all)
    for (const auto& version : package.versions) first.emplace(version, label);
  if (first.size() < 2) return;
  std::string what;
  for (const auto& [version, label] : first)
    what += (what.empty() ? "" : ", ") + label + " is " + version;
  breach(group.origin, "group/" + group.name, what,
         "that all of " + group.name + " have one version");
}

Findings Judge::findings() {
  for (const auto owner : unproved_) {
    if (mutated("unknown-packages-pass")) break;
    std::string why;
    for (const auto& one : offered_.unreadable)
      if (why.empty() && one.part == "packages") why = one.why;
    findings_.push_back({check_of(owner), "policy", Grade::refusal,
                         "the packages of the release are not known in full (" + why +
                             "), so its rules cannot be proved",
                         "compose the release anew, or waive " + check_of(owner) + ":policy", ""});
  }
  for (const auto owner : alone_)
    findings_.push_back({check_of(owner), "running", Grade::unknown,
                         "there is no list of packages to compare with, so rules like \"never "
                         "downgrade\" were not checked",
                         "", ""});
  for (const auto& [owner, count] : more_)
    findings_.push_back({check_of(owner), "policy", Grade::refusal,
                         std::to_string(count) + " more packages break its rules", "", ""});
  return std::move(findings_);
}

}  // namespace

std::string check_of(LockOwner owner) {
  return owner == LockOwner::site ? "site-lock" : "lock";
}

bool is_lock(const Finding& finding) {
  return finding.check == check_of(LockOwner::publisher) ||
         finding.check == check_of(LockOwner::site);
}

Findings lock_breaches(const LockPolicy& policy, const Inventory& offered,
                       const Inventory* running) {
  if (mutated("lock-ignored")) return {};
  Judge judge(offered, running);
  for (const auto& rule : policy.rules) judge.judge(rule);
  for (const auto& group : policy.groups) judge.judge(group);
  return judge.findings();
}

Findings unchecked_locks(const LockPolicy& policy, const std::string& why) {
  std::set<LockOwner> owners;
  for (const auto& rule : policy.rules) owners.insert(rule.origin.owner);
  for (const auto& group : policy.groups) owners.insert(group.origin.owner);
  Findings findings;
  for (const auto owner : owners)
    findings.push_back(
        {check_of(owner), "policy", Grade::refusal, "the rules cannot be checked: " + why,
         "take a release with an inventory, or waive " + check_of(owner) + ":policy", ""});
  return findings;
}

}  // namespace cube::insight
