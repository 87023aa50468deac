#include "agent/cli/machine_in_use.h"

#include "insight/inventory/module_info.h"
#include "insight/inventory/module_versions.h"
#include "insight/machine/this_machine.h"
#include "slots/initramfs/expanded_file.h"

namespace cube::cli {
namespace {

// What a module's file names, as far as the release has it.
void add_firmware(const RootDir& tree, const insight::Inventory& running, const std::string& module,
                  insight::MachineUse& use) {
  const auto file = running.modules.find(module);
  if (file == running.modules.end()) return;  // built in, or not of the release
  const auto expand = [](const Fd& compressed, const std::string& name) {
    return expanded_file(compressed, insight::max_module_bytes, name);
  };
  const auto place = "lib/modules/" + running.kernel + "/" + file->second;
  Result<std::string> info = Error{Errc::not_found, place + " is missing"};
  for (const char* top : {"usr/", ""})
    for (const char* extension : {"", ".xz", ".zst", ".gz"})
      if (!info && info.error().code == Errc::not_found)
        info = insight::modinfo_of_file(tree, top + place + extension, expand);
  if (!info) {
    if (use.why.empty())
      use.why = "which firmware " + module + " needs cannot be read: " + info.error().what;
    return;
  }
  for (const auto name : insight::modinfo_values(*info, "firmware"))
    if (running.firmware.count(insight::readable(name)) != 0)
      use.firmware.insert(insight::readable(name));
}

}  // namespace

insight::MachineUse machine_in_use(const RootDir& root, const RootDir& tree,
                                   const insight::Inventory& running) {
  insight::MachineUse use;
  const auto machine = insight::this_machine(root);
  if (!machine) {
    use.why = "this machine cannot be looked at: " + machine.error().what;
    return use;
  }
  for (const auto& name : machine->modules_in_use()) use.modules.insert(insight::readable(name));
  for (const auto& one : machine->unreadable)
    if (use.why.empty() && (one.part == "modules" || one.part == "devices"))
      use.why = insight::readable(one.part + ": " + one.why);
  for (const auto& module : use.modules) add_firmware(tree, running, module, use);
  return use;
}

}  // namespace cube::cli
