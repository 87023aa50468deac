// LockedPackages: the packages of a release as a lock names them; with them the kernel that boots.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "insight/inventory/inventory.h"
#include "insight/locks/version_order.h"

namespace cube::insight {

struct LockedPackage {
  std::string object;  // its name, for a Finding
  PackageKind kind = PackageKind::dpkg;
  std::vector<std::string> versions;   // to be compared; more than one: installed more than once
  std::vector<std::string> spellings;  // of the only version, how else it may be written
};

// By what the package is called in a sentence: "bash.x86_64", "the kernel that boots".
using LockedPackages = std::map<std::string, LockedPackage>;

// What "kernel" stands for beside packages of that name.
enum class KernelView : std::uint8_t {
  name,      // as `uname -r` has it
  packages,  // as the packages beside it have it: with dpkg the version of its linux-image
};

class PackageIndex {
 public:
  // `inventory` outlives it.
  explicit PackageIndex(const Inventory& inventory);

  // `package`: a pattern for a name or a whole key.
  [[nodiscard]] LockedPackages find(const std::string& package, KernelView view) const;

 private:
  void add(const std::string& key, LockedPackages& found) const;
  void add_kernel(KernelView view, LockedPackages& found) const;

  const Inventory& inventory_;
  std::map<std::string, std::vector<std::string>> keys_;  // name -> its keys
};

// "6.1.0-42" of "6.1.0-42-amd64", "4.18.0-348.el8" of "4.18.0-348.el8.x86_64": without what names a
// machine or a flavour and has no order.
[[nodiscard]] std::string kernel_version(const std::string& release);

}  // namespace cube::insight
