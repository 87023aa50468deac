// DriverSupply: what a tree has for a device: which module would drive it, and whether that can be
// loaded where it is needed, with all that it needs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/root_dir.h"
#include "insight/drivers/module_index.h"
#include "insight/machine/this_machine.h"

namespace cube::insight {

// A tree, and what it is known to hold. What it refers to outlives it.
struct DriverTree {
  const RootDir& root;
  const Inventory& inventory;
};

// Where a driver or its firmware is looked for, besides the kernel itself.
enum class Place {
  initramfs,  // the root is behind it
  tree,       // the initramfs, too: what was loaded there stays
};

// Why a device would be without its driver.
struct Lack {
  enum class Kind {
    missing,
    release_not_known,  // the release does not let it be looked at
    machine_not_known,  // today's driver cannot be told from others
  };
  std::string why;  // "the release's initramfs boot/initrd.img-6.1 has no module sd_mod"
  Kind kind = Kind::missing;
};

struct Driver {
  std::string module;        // that would drive it; "": part of every kernel, or nothing does
  std::optional<Lack> lack;  // nothing: it can be loaded
};

class DriverSupply {
 public:
  // `running` is the index of the tree that runs; nullptr: there is none.
  DriverSupply(const DriverTree& staged, const ModuleIndex& index, const ModuleIndex* running)
      : staged_(staged), index_(index), running_(running) {}

  // What drives it there. The module that drives it today, if it still names the device; else one
  // that names it now.
  [[nodiscard]] Driver driver_for(const Device& device, Place place) const;
  // Nothing when that module can be loaded there.
  [[nodiscard]] std::optional<Lack> lack(const std::string& module, Place place) const;
  // Is that firmware in the tree, or in what is known of the initramfs?
  [[nodiscard]] bool has_firmware(const std::string& file, Place place) const;
  [[nodiscard]] bool knows_firmware(Place place) const;
  // "the release's initramfs boot/initrd.img-6.1", "the release"
  [[nodiscard]] std::string called(Place place) const;

  [[nodiscard]] const ModuleIndex& index() const { return index_; }
  [[nodiscard]] const ModuleIndex* running() const { return running_; }

 private:
  [[nodiscard]] std::string todays_module(const Device& device, const Names& named) const;
  [[nodiscard]] Driver by_name(const Device& device, const std::string& today, Place place) const;
  [[nodiscard]] Driver by_alias(const Device& device, const std::string& today, Place place) const;
  [[nodiscard]] std::optional<std::string> usable(const Names& candidates, Place place) const;
  [[nodiscard]] std::optional<Lack> lack_of_one(const std::string& module, Place place) const;

  const DriverTree& staged_;
  const ModuleIndex& index_;
  const ModuleIndex* running_;
};

// As the kernel searches it: for this kernel or any, compressed or not.
[[nodiscard]] bool tree_has_firmware(const DriverTree& tree, const std::string& kernel,
                                     const std::string& file);
[[nodiscard]] bool initramfs_has_firmware(const Inventory& inventory, const std::string& file);

}  // namespace cube::insight
