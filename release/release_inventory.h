// The inventories of a publisher: taken of a tree, and read out of the releases of its repository.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "insight/inventory/inventory.h"
#include "release/publisher.h"
#include "slots/ostree/compose/compose.h"

namespace cube {

// `folder`: the root of a tree; `scratch`: a folder for the expanded initramfs, which takes up to 1
// GiB there while it is read. Errors: not_found (the folder), no_space, failed.
[[nodiscard]] Result<insight::Inventory> inventory_of_tree(const std::string& folder,
                                                           const std::string& scratch);
// The inventory as a file of the release that is made of the tree. `judge` sees it first, and the
// tree; its errors end the compose.
using JudgeTree = std::function<Status(const std::string& tree, const insight::Inventory&)>;
[[nodiscard]] MadeFile made_inventory(JudgeTree judge);
// Of a release, published or pending. Errors: not_found (no such release, or without an inventory),
// corrupt, failed.
[[nodiscard]] Result<insight::Inventory> inventory_of_release(const Publisher& publisher,
                                                              const std::string& name);

}  // namespace cube
