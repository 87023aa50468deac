#include "insight/locks/locked_packages.h"

#include <algorithm>
#include <string_view>

#include "base/glob.h"

namespace cube::insight {
namespace {

constexpr const char* kernel_that_boots = "the kernel that boots";

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> found;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(' ', at), text.size());
    if (end > at) found.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return found;
}

PackageKind kind_of_system(const Inventory& inventory) {
  const auto& all = inventory.packages;
  const bool dpkg = std::any_of(all.begin(), all.end(), [](const auto& one) {
    return kind_of_package(one.first) == PackageKind::dpkg;
  });
  return dpkg ? PackageKind::dpkg : PackageKind::rpm;
}

}  // namespace

std::string kernel_version(const std::string& release) {
  for (const char* machine : {".x86_64", ".aarch64", ".ppc64le", ".s390x", ".i686"})
    if (const auto at = release.find(machine); at != std::string::npos)
      return release.substr(0, at);
  for (auto at = release.find('-'); at != std::string::npos; at = release.find('-', at + 1))
    if (at + 1 < release.size() && is_letter(release[at + 1])) return release.substr(0, at);
  return release;
}

PackageIndex::PackageIndex(const Inventory& inventory) : inventory_(inventory) {
  for (const auto& [key, version] : inventory.packages) keys_[name_of_package(key)].push_back(key);
}

void PackageIndex::add(const std::string& key, LockedPackages& found) const {
  LockedPackage package{
      name_of_package(key), kind_of_package(key), words(inventory_.packages.at(key)), {}};
  if (package.versions.size() == 1)
    if (const auto& only = package.versions[0]; only.find(':') != std::string::npos)
      package.spellings.push_back(only.substr(only.find(':') + 1));
  found.emplace(key, std::move(package));
}

void PackageIndex::add_kernel(KernelView view, LockedPackages& found) const {
  const auto& release = inventory_.kernel;
  if (release.empty()) return;
  const auto kind = kind_of_system(inventory_);
  if (view == KernelView::name || kind == PackageKind::rpm) {
    found.emplace(kernel_that_boots,
                  LockedPackage{"kernel", kind, {kernel_version(release)}, {release}});
    return;
  }
  for (const char* begin : {"linux-image-", "linux-image-unsigned-"})
    if (const auto keys = keys_.find(begin + release); keys != keys_.end())
      found.emplace(
          "the package of the kernel that boots",
          LockedPackage{"kernel", kind, words(inventory_.packages.at(keys->second.front())), {}});
}

LockedPackages PackageIndex::find(const std::string& package, KernelView view) const {
  LockedPackages found;
  if (is_glob(package)) {
    for (const auto& [name, keys] : keys_)
      for (const auto& key : keys)
        if (glob_fits(package, name) || glob_fits(package, key)) add(key, found);
    return found;
  }
  if (const auto keys = keys_.find(package); keys != keys_.end())
    for (const auto& key : keys->second) add(key, found);
  if (inventory_.packages.contains(package)) add(package, found);
  if (package == "kernel") add_kernel(view, found);
  return found;
}

}  // namespace cube::insight
