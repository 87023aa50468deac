// ModuleIndex: what the kernel of a tree can drive: which modules name a device, which of them are
// in the kernel itself, what they need, and the firmware they may ask for.
//
// Of lib/modules/RELEASE of the tree; aliases and firmware are read by libkmod, as modprobe does.
// modules.dep is not: of a module that needs a file which is missing, libkmod says that it needs
// nothing. Nothing of the running machine is asked, neither its settings nor its modules. Names are
// the kernel's, with '_'. The tree's lists are believed: it is a slot that was verified, or the
// system that runs, whose udev reads the same ones.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/root_dir.h"
#include "insight/drivers/module_lists.h"
#include "insight/inventory/inventory.h"

struct kmod_ctx;

namespace cube::insight {

class ModuleIndex {
 public:
  // `kernel` as `uname -r`. Errors: not_found (a list of its modules),
  // corrupt (a name that is none), failed.
  static Result<ModuleIndex> open(const RootDir& tree, const std::string& kernel);

  // Modules, loadable and built in, that answer to a modalias or to a name of their own.
  [[nodiscard]] Names named_by(const std::string& alias) const;
  // In the kernel itself.
  [[nodiscard]] bool built_in(const std::string& module) const;
  // The lists say a file for it. "kernel/drivers/scsi/sd_mod.ko.xz"; "" for none.
  [[nodiscard]] std::string file(const std::string& module) const;
  // Modules that must be loaded before it, all of them.
  [[nodiscard]] Names needs(const std::string& module) const;
  // Modules that it asks for, and does without.
  [[nodiscard]] Names asks_for(const std::string& module) const;
  // Files below lib/firmware that it may load, of a module that is built in, too. Errors: corrupt
  // (the module's file cannot be read), not_found.
  [[nodiscard]] Result<Names> firmware(const std::string& module) const;
  // False in trees of kernels before 5.3, which do not list what a built-in driver answers to.
  [[nodiscard]] bool knows_built_in_aliases() const { return !built_in_aliases_.empty(); }
  [[nodiscard]] const std::string& kernel() const { return kernel_; }

 private:
  ModuleIndex();

  Fd folder_;
  std::string kernel_;
  Names built_in_;
  std::map<std::string, ModuleFile> files_;
  std::vector<BuiltInAlias> built_in_aliases_;
  std::unique_ptr<kmod_ctx, void (*)(kmod_ctx*)> kmod_;
};

// Files that these modules may load, as far as the tree knows them: what `modules_in_use` asks for.
[[nodiscard]] Names firmware_of(const ModuleIndex& index, const Names& modules);

}  // namespace cube::insight
