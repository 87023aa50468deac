#include "agent/foresight/root_layers.h"

#include <vector>

namespace cube {
namespace {

constexpr std::size_t max_devices = 256;  // of one root

void add_layer(const RootDir& machine, const std::string& folder, insight::Names& layers) {
  if (machine.exists(folder + "/md")) layers.insert("raid");
  const auto uuid = machine.read_file(folder + "/dm/uuid", 512);
  if (!uuid) return;
  if (uuid->starts_with("LVM-")) layers.insert("lvm");
  if (uuid->starts_with("CRYPT-")) layers.insert("luks");
  if (uuid->starts_with("mpath-")) layers.insert("multipath");
}

}  // namespace

Result<insight::Names> layers_below(const RootDir& machine, const std::string& device) {
  const std::string start = "sys/dev/block/" + device;
  if (!machine.exists(start)) return Error{Errc::not_found, start + " is not there"};
  insight::Names layers;
  std::vector<std::string> open{start};
  for (std::size_t seen = 0; !open.empty(); ++seen) {
    if (seen == max_devices) return Error{Errc::failed, start + ": has too many devices below it"};
    const auto folder = std::move(open.back());
    open.pop_back();
    add_layer(machine, folder, layers);
    // A partition's disk is the folder above; it may be a layer itself.
    if (machine.exists(folder + "/partition")) open.push_back(folder + "/..");
    const auto below = machine.list(folder + "/slaves", max_devices);
    if (!below && below.error().code != Errc::not_found) return Error(below.error());
    for (const auto& name : below ? *below : std::vector<std::string>{})
      open.push_back(folder + "/slaves/" + name);
  }
  return layers;
}

}  // namespace cube
