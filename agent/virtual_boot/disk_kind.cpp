#include "agent/virtual_boot/disk_kind.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace cube {
namespace {

// The order is that of preference: what is quickest first.
constexpr std::array<DiskKind, 7> kinds{{
    {"virtio_blk", "virtio_pci", "", "virtio-blk-pci"},
    {"nvme", "", "", "nvme,serial=cube"},
    {"ahci", "sd_mod", "", "ide-hd,bus=ide.0"},
    {"virtio_scsi", "virtio_pci", "virtio-scsi-pci", "scsi-hd"},
    {"megaraid_sas", "sd_mod", "megasas-gen2", "scsi-hd"},
    {"vmw_pvscsi", "sd_mod", "pvscsi", "scsi-hd"},
    {"mptsas", "sd_mod", "mptsas1068", "scsi-hd"},
}};

constexpr std::size_t max_devices = 64, max_slaves = 256;
constexpr std::size_t max_list_bytes = 4 * 1024 * 1024;

std::string kernel_name(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string last_part(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

// "sys/devices/..." of a link in a folder two levels below sys ("sys/dev/block",
// "sys/class/block").
std::optional<std::string> device_folder(const RootDir& root, const std::string& link) {
  const auto target = root.read_link(link);
  const auto start = target ? target->find("devices/") : std::string::npos;
  if (start == std::string::npos) return std::nullopt;
  return "sys/" + target->substr(start);
}

void add_drivers(const RootDir& root, std::string folder, std::set<std::string>& drivers) {
  while (folder.size() > std::string("sys/devices").size()) {
    if (const auto driver = root.read_link(folder + "/driver"))
      drivers.insert(kernel_name(last_part(*driver)));
    folder.resize(folder.find_last_of('/'));
  }
}

}  // namespace

std::vector<const DiskKind*> disks_to_try(const std::set<std::string>& of_machine,
                                          const std::set<std::string>* loadable,
                                          const std::set<std::string>& built_in) {
  std::vector<const DiskKind*> same, possible;
  const auto has = [&](std::string_view name) {
    const std::string module(name);
    return name.empty() || built_in.count(module) != 0 ||
           (loadable != nullptr && loadable->count(module) != 0);
  };
  for (const auto& kind : kinds) {
    if (of_machine.count(std::string(kind.driver)) != 0) same.push_back(&kind);
    if (has(kind.driver) && has(kind.also)) possible.push_back(&kind);
  }
  if (!same.empty()) return same;
  if (possible.empty() && loadable != nullptr && loadable->empty()) return {&kinds.front()};
  return possible;
}

std::set<std::string> drivers_of_device(const RootDir& root, dev_t device) {
  std::set<std::string> drivers;
  std::vector<std::string> links{"sys/dev/block/" + std::to_string(major(device)) + ":" +
                                 std::to_string(minor(device))};
  for (std::size_t i = 0; i < links.size() && i < max_devices; ++i) {
    auto folder = device_folder(root, links[i]);
    if (!folder) continue;
    add_drivers(root, *folder, drivers);
    const auto below = root.list(*folder + "/slaves", max_slaves);
    if (!below) continue;
    for (const auto& name : *below) links.push_back("sys/class/block/" + name);
  }
  return drivers;
}

std::set<std::string> built_in_modules(const RootDir& tree, const std::string& kernel) {
  std::set<std::string> modules;
  if (kernel.empty()) return modules;
  const auto list = tree.read_file("lib/modules/" + kernel + "/modules.builtin", max_list_bytes);
  std::string_view rest = list ? std::string_view(*list) : std::string_view();
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const auto name = last_part(std::string(line));
    modules.insert(kernel_name(name.substr(0, name.find(".ko"))));
  }
  return modules;
}

}  // namespace cube
