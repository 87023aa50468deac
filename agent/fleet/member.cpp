#include "agent/fleet/member.h"

#include <algorithm>

#include "base/digest.h"
#include "model/name.h"

namespace cube::fleet {
namespace {

constexpr std::size_t max_devices = 4096;
constexpr std::size_t max_model = 40;  // bytes of its name
constexpr const char* storage_class = "0x01";

// The first line of a small file; "" when there is none.
std::string line_of(const RootDir& root, const std::string& path) {
  auto text = root.read_file(path, 256);
  if (!text) return "";
  text->resize(std::min(text->find('\n'), text->size()));
  return std::move(*text);
}

// Vendor, device and their subsystem, of each controller of disks.
std::vector<std::string> storage_controllers(const RootDir& root) {
  const std::string folder = "sys/bus/pci/devices";
  std::vector<std::string> found;
  const auto names = root.list(folder, max_devices);
  if (!names) return found;
  for (const auto& name : *names) {
    const auto device = folder + "/" + name + "/";
    if (!line_of(root, device + "class").starts_with(storage_class)) continue;
    std::string ids;
    for (const char* part : {"vendor", "device", "subsystem_vendor", "subsystem_device"})
      ids += line_of(root, device + part) + " ";
    found.push_back(std::move(ids));
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string as_name(std::string text) {
  text.resize(std::min(text.size(), max_model));
  for (char& c : text)
    if (!is_ascii_alnum(c) && c != '.' && c != '_' && c != '-') c = '-';
  return !text.empty() && is_ascii_alnum(text[0]) ? text : "machine";
}

}  // namespace

std::string hardware_of(const RootDir& root) {
  const auto maker = line_of(root, "sys/class/dmi/id/sys_vendor");
  const auto model = line_of(root, "sys/class/dmi/id/product_name");
  const auto controllers = storage_controllers(root);
  if (maker.empty() && model.empty() && controllers.empty()) return "";
  std::string all = maker + "\n" + model + "\n";
  for (const auto& one : controllers) all += one + "\n";
  return as_name(model) + "-" + to_hex(sha256(all)).substr(0, 8);
}

Result<Member> member_of(const RootDir& root, const Config& config) {
  Member member;
  member.cluster = config.fleet_cluster;
  member.node = config.fleet_node.empty() ? line_of(root, "etc/hostname") : config.fleet_node;
  if (!is_safe_name(member.node))
    return Error{Errc::invalid,
                 "fleet.node: this machine has no name that may be one in its "
                 "cluster; letters, digits and ._+- only"};
  member.domain = config.fleet_domain;
  member.roles.insert(config.fleet_roles.begin(), config.fleet_roles.end());
  member.order = static_cast<std::uint32_t>(config.fleet_order);
  member.hardware = hardware_of(root);
  return member;
}

}  // namespace cube::fleet
