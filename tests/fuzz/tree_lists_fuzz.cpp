// The lists of a tree, whatever is in them: names are never empty where a name is the key, and an
// inventory made of them can be read.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "insight/inventory/filesystems.h"
#include "insight/inventory/inventory_builder.h"
#include "insight/inventory/tree_lists.h"
#include "tests/fuzz/demand.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cube::insight;
  using cube::demand;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  InventoryBuilder made;
  made.add_all(part_of(&Inventory::packages), dpkg_packages(text));
  made.add_all(part_of(&Inventory::options), kernel_options(text));
  made.add_all(part_of(&Inventory::built_in), built_in_modules(text));
  made.add_all(part_of(&Inventory::aliases), module_aliases(text));
  made.add_all(part_of(&Inventory::arguments), grub_arguments(text));
  made.add_all(part_of(&Inventory::mkfs_features), mke2fs_features(text));
  for (const auto& name : filesystem_modules(text)) {
    demand(!name.empty());
    made.add(part_of(&Inventory::filesystems), name, "built in");
  }
  for (const auto& [name, version] : made.inventory.packages)
    demand(!name.empty() && !version.empty());
  const auto back = read_inventory(inventory_text(made.inventory));
  demand(back && *back == made.inventory);
  return 0;
}
