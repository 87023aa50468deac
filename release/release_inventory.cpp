#include "release/release_inventory.h"

#include <fcntl.h>

#include "insight/inventory/filesystems.h"
#include "insight/inventory/microcode.h"
#include "insight/inventory/module_info.h"
#include "insight/inventory/take_inventory.h"
#include "insight/inventory/tree_lists.h"
#include "release/rpm_packages.h"
#include "slots/initramfs/contents.h"
#include "slots/initramfs/expanded_file.h"
#include "slots/ostree/commit_file.h"

namespace cube {
namespace {

using insight::InitramfsNames;
using insight::Inventory;

// A file without a name in that folder.
Result<Fd> nameless_file(const std::string& folder) {
  Fd file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file.valid()) return system_error("make a file in " + folder);
  return file;
}

Result<InitramfsNames> initramfs_names(const Fd& image, const std::string& name,
                                       const std::string& scratch) {
  CUBE_TRY(const auto expanded, nameless_file(scratch));
  CUBE_TRY(auto contents, initramfs_contents(image, expanded, name));
  InitramfsNames names{std::move(contents.modules), std::move(contents.firmware), {}, {}};
  for (const auto& program : contents.programs)
    if (insight::is_root_tool(program)) names.tools.insert(program);
  for (const auto& file : contents.microcode) {
    const auto vendor = insight::microcode_vendor(file.path);
    if (vendor.empty()) continue;
    if (file.size > insight::max_microcode)
      return Error{Errc::invalid, name + ": " + file.path + " is too large"};
    CUBE_TRY(const auto bytes, read_piece(expanded, file.at, file.size));
    names.microcode[vendor] = std::to_string(insight::microcode_updates(vendor, bytes)) + " " +
                              insight::short_digest(bytes);
  }
  return names;
}

Result<std::string> expanded_module(const Fd& file, const std::string& name) {
  return expanded_file(file, insight::max_module_bytes, name);
}

}  // namespace

Result<Inventory> inventory_of_tree(const std::string& folder, const std::string& scratch) {
  CUBE_TRY(const auto tree, RootDir::open(folder));
  return insight::take_inventory(
      tree,
      {[&](const Fd& image, const std::string& name) {
         return initramfs_names(image, name, scratch);
       },
       expanded_module, [&](const RootDir& database) { return rpm_packages(database, scratch); },
       is_left_out_of_release});
}

MadeFile made_inventory(JudgeTree judge) {
  return {std::string("/") + insight::inventory_path,
          [judge = std::move(judge)](const std::string& tree,
                                     const std::string& scratch) -> Result<std::string> {
            auto taken = inventory_of_tree(tree, scratch);
            if (!taken) return std::move(taken).error().in("inventory of " + tree);
            CUBE_CHECK(judge(tree, *taken));
            return inventory_text(*taken);
          }};
}

Result<Inventory> inventory_of_release(const Publisher& publisher, const std::string& name) {
  CUBE_TRY(const auto pending, publisher.pending());
  CUBE_TRY(const auto published, publisher.published());
  for (const auto* releases : {&pending, &published})
    for (const auto& release : *releases) {
      if (release.name.text != name) continue;
      const auto text = file_of_commit(publisher.repository().object_path(), release.commit,
                                       insight::inventory_path, insight::max_inventory_bytes);
      if (!text && text.error().code == Errc::not_found)
        return Error{Errc::not_found, "release " + name +
                                          ": has no inventory, as those of older cube-release; "
                                          "name the folder of its tree instead"};
      if (!text) return Error(text.error());
      auto inventory = insight::read_inventory(*text);
      if (!inventory) return std::move(inventory).error().in("release " + name);
      return inventory;
    }
  return Error{Errc::not_found, "release " + name + ": is neither published nor pending in " +
                                    publisher.repository().path() +
                                    "; `cube-release list` shows all"};
}

}  // namespace cube
