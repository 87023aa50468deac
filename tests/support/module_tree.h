// Kernel modules, their lists and an initramfs, for tests: files as small as libkmod and depmod
// take them, the lists made by the real depmod.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace cube {

struct KernelModule {
  std::string file;  // below lib/modules/KERNEL/kernel
  std::vector<std::string> needs, asks, aliases, firmware;
};
using KernelModules = std::map<std::string, KernelModule>;  // by name

// tests/unit/machines/modules. Throws what is wrong with it.
KernelModules read_modules(const std::string& file);
// Those modules, and what they need.
std::set<std::string> with_needs(const KernelModules& modules, const std::set<std::string>& names);

struct ModuleTree {
  std::string kernel;
  KernelModules modules;   // loadable
  KernelModules built_in;  // what they say of themselves is in modules.builtin.modinfo
  bool lists_built_in_aliases = true;
  std::set<std::string> firmware;  // below lib/firmware
  std::set<std::string> initramfs, initramfs_firmware;

  // Throws when depmod fails.
  void lay_out(const std::string& folder) const;
  // Only what /boot has: the image, and an empty kernel.
  void lay_out_boot(const std::string& folder) const;
};

// Runs it over the modules that are there. Throws when it fails.
void depmod(const std::string& folder, const std::string& kernel);
// An archive as an initramfs is one, of empty files.
std::string cpio_archive(const std::set<std::string>& names);

}  // namespace cube
