#include <algorithm>
#include <map>

#include "insight/glob.h"
#include "insight/lock_file.h"
#include "insight/locked_packages.h"
#include "insight/version_order.h"

namespace cube::insight {
namespace {

// What belongs to a kernel, as Enterprise Linux and Debian call it.
const std::vector<std::string>& kernel_packages() {
  static const std::vector<std::string> all{
      "kernel",        "kernel-core",        "kernel-modules", "kernel-modules-core",
      "kernel-modules-extra", "kernel-headers", "linux-image-*",  "linux-headers-*",
      "linux-modules-*"};
  return all;
}

bool fits_any(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const auto& pattern) { return glob_fits(pattern, name); });
}

std::string rule(const std::string& name, const std::string& version) {
  return "\"" + name + "\" = \"" + version + "\"\n";
}

bool has_package(const Inventory& inventory, const std::string& wanted) {
  const auto& all = inventory.packages;
  return std::any_of(all.begin(), all.end(),
                     [&](const auto& one) { return name_of_package(one.first) == wanted; });
}

// Those of the kernel's packages that are there and have one version.
std::string kernel_group(const Inventory& inventory) {
  std::map<std::string, Names> members;  // version -> names
  for (const auto& [key, version] : inventory.packages)
    if (const auto name = name_of_package(key); fits_any(kernel_packages(), name))
      members[version].insert(name);
  const auto most = std::max_element(
      members.begin(), members.end(),
      [](const auto& left, const auto& right) { return left.second.size() < right.second.size(); });
  if (most == members.end() || most->second.size() < 2) return "";
  std::string list;
  for (const auto& name : most->second) list += (list.empty() ? "\"" : ", \"") + name + "\"";
  return "\n[groups]\nkernel = [" + list + "]\n";
}

}  // namespace

Result<std::string> locks_of(const Inventory& inventory, const LockChoice& choice) {
  std::string rules;
  const bool all = choice.packages.empty() && !choice.kernel_only;
  const auto chosen = [&](const std::string& name) {
    return all || fits_any(choice.packages, name) ||
           (choice.kernel_only && fits_any(kernel_packages(), name));
  };
  const bool kernel = choice.packages.empty() || fits_any(choice.packages, "kernel");
  if (kernel && !inventory.kernel.empty())
    rules += rule("kernel", has_package(inventory, "kernel") ? kernel_version(inventory.kernel)
                                                             : inventory.kernel);
  for (const auto& [key, version] : inventory.packages) {
    const auto name = name_of_package(key);
    if (name == "gpg-pubkey") continue;  // no package: a key that rpm keeps among them
    if (!chosen(name) && !fits_any(choice.packages, key)) continue;
    rules += rule(key, version);
  }
  if (rules.empty()) return Error{Errc::not_found, "there is no such package, and no kernel"};
  const std::string text = "[locks]\n" + rules + (kernel ? kernel_group(inventory) : "");
  LockPolicy policy;
  CUBE_CHECK(add_locks(text, "what was read", LockOwner::publisher, policy));
  return text;
}

}  // namespace cube::insight
