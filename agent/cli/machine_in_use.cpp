#include "agent/cli/machine_in_use.h"

#include <algorithm>

#include "insight/module_info.h"
#include "insight/module_versions.h"
#include "slots/initramfs/expanded_file.h"

namespace cube::cli {
namespace {

constexpr std::size_t max_list_bytes = 1024 * 1024;

// proc/modules: "xfs 2031616 2 - Live 0x0000000000000000"
void add_loaded(const RootDir& root, insight::MachineUse& use) {
  const auto text = root.read_file("proc/modules", max_list_bytes);
  if (!text) {
    use.why = "the list of loaded modules cannot be read: " + text.error().what;
    return;
  }
  for (std::size_t at = 0; at < text->size();) {
    const auto end = std::min(text->find('\n', at), text->size());
    const auto name = text->substr(at, std::min(text->find(' ', at), end) - at);
    if (!name.empty()) use.modules.insert(insight::readable(name));
    at = end + 1;
  }
}

// sys/bus/BUS/devices/DEVICE/driver/module -> ../../../../module/NAME; of a driver in the kernel
// itself as well.
void add_driving(const RootDir& root, insight::MachineUse& use) {
  const auto buses = root.list("sys/bus");
  if (!buses && use.why.empty())
    use.why = "the drivers of its devices cannot be read: " + buses.error().what;
  for (const auto& bus : buses ? *buses : std::vector<std::string>{}) {
    const auto devices = root.list("sys/bus/" + bus + "/devices");
    for (const auto& device : devices ? *devices : std::vector<std::string>{}) {
      const auto link =
          root.read_link("sys/bus/" + bus + "/devices/" + device + "/driver/module");
      if (link) use.modules.insert(insight::readable(link->substr(link->find_last_of('/') + 1)));
    }
  }
}

// What a module's file names, as far as the release has it.
void add_firmware(const RootDir& tree, const insight::Inventory& running,
                  const std::string& module, insight::MachineUse& use) {
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
  add_loaded(root, use);
  add_driving(root, use);
  for (const auto& module : use.modules) add_firmware(tree, running, module, use);
  return use;
}

}  // namespace cube::cli
