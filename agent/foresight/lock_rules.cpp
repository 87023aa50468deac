#include "agent/foresight/lock_rules.h"

#include <algorithm>

#include "base/mutation.h"
#include "insight/locks/lock_file.h"

namespace cube {
namespace {

using insight::Finding;
using insight::Grade;
using insight::LockOwner;

constexpr std::size_t max_lock_files = 64;  // of a folder

void add_damage(LockOwner owner, const std::string& what, insight::Findings& damaged) {
  const auto check = check_of(owner);
  damaged.push_back({check, "policy", Grade::refusal, "rules that cannot be read: " + what,
                     "correct that file, or waive " + check + ":policy", ""});
}

void load_folder(const RootDir& machine, const std::string& folder, LockOwner owner,
                 LoadedLocks& loaded) {
  const auto names = machine.list(folder, max_lock_files);
  if (!names && names.error().code == Errc::not_found) return;
  if (!names) return add_damage(owner, names.error().what, loaded.damaged);
  for (const auto& name : *names) {
    if (!name.ends_with(".toml")) continue;
    const auto file = folder + "/" + name;
    const auto text = machine.read_file(file, insight::max_lock_file_bytes);
    if (!text) {
      add_damage(owner, text.error().what, loaded.damaged);
    } else {
      const auto added = add_locks(*text, machine.join(file), owner, loaded.policy);
      if (!added) add_damage(owner, added.error().what, loaded.damaged);
    }
  }
}

}  // namespace

LoadedLocks load_locks(const RootDir& machine) {
  LoadedLocks loaded;
  load_folder(machine, "usr/lib/cube-update/locks.d", LockOwner::publisher, loaded);
  if (mutated("lock-etc-loosens") && machine.exists(site_locks_folder)) loaded = {};
  load_folder(machine, site_locks_folder, LockOwner::site, loaded);
  return loaded;
}

insight::Findings lock_findings(const Prospect& prospect) {
  auto loaded = load_locks(prospect.machine);
  const auto& [policy, damaged] = loaded;
  auto findings = prospect.inventory
                      ? lock_breaches(policy, *prospect.inventory,
                                      prospect.running ? &*prospect.running : nullptr)
                      : unchecked_locks(policy, "the release has no inventory that can be read");
  findings.insert(findings.end(), damaged.begin(), damaged.end());
  if (findings.empty() && !policy.empty())
    findings.push_back({"lock", "policy", Grade::good,
                        std::to_string(policy.rules.size() + policy.groups.size()) +
                            " rules about packages are kept",
                        "", ""});
  return findings;
}

}  // namespace cube
