// DriverPlay: a machine, the tree it runs from and a release, all in folders: for tests of what a
// preflight of drivers finds.
#pragma once

#include <string>

#include "insight/drivers/needed_drivers.h"
#include "tests/support/module_tree.h"
#include "tests/support/scratch_dir.h"

namespace cube {

class DriverPlay {
 public:
  // The machine tests/unit/machines/NAME.tree. Its tree and the release have all modules of the
  // list there; the initramfs has `early` and what those need.
  DriverPlay(const std::string& machines, const std::string& name,
             const std::set<std::string>& early);

  // Lays both trees out, takes their inventories as a publisher does, and looks.
  insight::Findings findings();
  // The same after only the release's initramfs changed.
  insight::Findings findings_of_new_image();
  // Both trees as they are now.
  insight::Findings look();
  void lay_out();

  insight::ThisMachine machine;
  ModuleTree running, staged;
  insight::Inventory running_inventory, staged_inventory;
  ScratchDir running_folder, staged_folder;
};

// The worst of them, and each that is not good as "refusal root-driver:nvme", a line each.
insight::Grade worst(const insight::Findings& findings);
std::string told(const insight::Findings& findings);
// What the finding with that id says, with its grade before; "" without one.
std::string said(const insight::Findings& findings, const std::string& id);

}  // namespace cube
