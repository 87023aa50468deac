// What a slot's tree offers to its kernel, read from lib/modules. For people who compare two slots.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

struct KernelModules {
  std::string release;  // of the newest kernel in the tree, as `uname -r`; "" without any
  std::set<std::string>
      modules;  // loadable and built in; '-' is written as '_', as the kernel does

  [[nodiscard]] bool has(std::string name) const;
};

// Errors: corrupt (a list of modules that is larger than 16 MiB), failed.
[[nodiscard]] Result<KernelModules> kernel_modules(const RootDir& tree);

}  // namespace cube
