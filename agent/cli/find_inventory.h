// The inventories that `diff` compares: of a slot, of a release that is offered, of a file.
#pragma once

#include <string>

#include "agent/appliance.h"
#include "insight/inventory/inventory.h"

namespace cube::cli {

struct NamedInventory {
  std::string name;  // for people: "CUBE_... in slot a"; text of a command line is made readable()
  insight::Inventory inventory;
};

// `word`: "a", "b", "running", "other", the name of a release (in a slot, else offered by the
// source, whose one file is fetched), a file, or the folder of a tree that has its inventory in it.
// The caller holds the lock. Errors, each with the next step: not_found (no such slot, release or
// file, or one without an inventory), corrupt, busy, those of the source.
[[nodiscard]] Result<NamedInventory> find_inventory(Appliance& appliance, const std::string& word);

}  // namespace cube::cli
