#include <algorithm>
#include <map>

#include "base/glob.h"
#include "insight/locks/lock_file.h"
#include "insight/locks/locked_packages.h"
#include "insight/locks/version_order.h"

namespace cube::insight {
namespace {

// What belongs to a kernel, as Enterprise Linux and Debian call it.
const std::vector<std::string>& kernel_packages() {
  static const std::vector<std::string> all{"kernel",
                                            "kernel-core",
                                            "kernel-modules",
                                            "kernel-modules-core",
                                            "kernel-modules-extra",
                                            "kernel-headers",
                                            "linux-image-*",
                                            "linux-headers-*",
                                            "linux-modules-*"};
  return all;
}

bool fits_any(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const auto& pattern) { return glob_fits(pattern, name); });
}

bool has_package(const Inventory& inventory, const std::string& wanted) {
  const auto& all = inventory.packages;
  return std::any_of(all.begin(), all.end(),
                     [&](const auto& one) { return name_of_package(one.first) == wanted; });
}

LockRule exactly(const std::string& package, const std::string& version) {
  LockDemand demand;
  demand.text = version;
  return {package, std::move(demand), {}};
}

// "["a", "b"]", or the only one alone.
std::string list_of(const std::vector<std::string>& texts) {
  std::string list;
  for (const auto& text : texts) list += (list.empty() ? "\"" : ", \"") + text + "\"";
  return texts.size() == 1 ? list : "[" + list + "]";
}

// Those of the kernel's packages that are there and have one version.
std::vector<LockGroup> kernel_group(const Inventory& inventory) {
  std::map<std::string, Names> members;  // version -> names
  for (const auto& [key, version] : inventory.packages)
    if (const auto name = name_of_package(key); fits_any(kernel_packages(), name))
      members[version].insert(name);
  const auto most = std::max_element(
      members.begin(), members.end(),
      [](const auto& left, const auto& right) { return left.second.size() < right.second.size(); });
  if (most == members.end() || most->second.size() < 2) return {};
  return {{"kernel", {most->second.begin(), most->second.end()}, {}}};
}

}  // namespace

std::string locks_text(const LockPolicy& policy) {
  std::map<std::string, std::vector<std::string>> rules;
  for (const auto& rule : policy.rules) rules[rule.package].push_back(rule.demand.text);
  std::string text = "[locks]\n";
  for (const auto& [package, demands] : rules)
    text += "\"" + package + "\" = " + list_of(demands) + "\n";
  if (policy.groups.empty()) return text;
  text += "\n[groups]\n";
  for (const auto& group : policy.groups)
    text += "\"" + group.name + "\" = " + list_of(group.members) + "\n";
  return text;
}

Result<std::string> locks_of(const Inventory& inventory, const LockChoice& choice) {
  LockPolicy made;
  const bool all = choice.packages.empty() && !choice.kernel_only;
  const auto chosen = [&](const std::string& name) {
    return all || fits_any(choice.packages, name) ||
           (choice.kernel_only && fits_any(kernel_packages(), name));
  };
  const bool kernel = choice.packages.empty() || fits_any(choice.packages, "kernel");
  const auto& boots = inventory.kernel;
  if (kernel && !boots.empty())
    made.rules.push_back(
        exactly("kernel", has_package(inventory, "kernel") ? kernel_version(boots) : boots));
  for (const auto& [key, version] : inventory.packages) {
    const auto name = name_of_package(key);
    if (name == "gpg-pubkey") continue;  // no package: a key that rpm keeps among them
    if (chosen(name) || fits_any(choice.packages, key)) made.rules.push_back(exactly(key, version));
  }
  if (made.empty()) return Error{Errc::not_found, "there is no such package, and no kernel"};
  if (kernel) made.groups = kernel_group(inventory);
  for (const auto& rule : made.rules)
    if ((rule.package + rule.demand.text).find_first_of("\"\\") != std::string::npos)
      return Error{Errc::invalid, rule.package + " " + rule.demand.text + ": stands in no rule"};
  const auto text = locks_text(made);
  LockPolicy read;
  CUBE_CHECK(add_locks(text, "what was read", LockOwner::publisher, read));
  return text;
}

}  // namespace cube::insight
