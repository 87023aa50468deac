#include "insight/machine/block_chain.h"

#include <algorithm>
#include <set>

#include "insight/machine/proc_lists.h"

namespace cube::insight {
namespace {

constexpr std::size_t max_blocks = 500;  // paths, partitions and disks of one filesystem

// How dm-multipath chooses a path; the table that says which one is used is not in sysfs.
constexpr const char* path_selectors[] = {"dm_historical_service_time", "dm_io_affinity",
                                          "dm_queue_length", "dm_round_robin", "dm_service_time"};

class Walk {
 public:
  Walk(Sysfs& sysfs, const std::map<std::string, LoadedModule>& modules)
      : sysfs_(sysfs), modules_(modules) {}

  BlockChain run(const std::string& path) {
    found_.chain.name = last_part(path);
    waiting_.push_back(path);
    for (std::size_t at = 0; at < waiting_.size(); ++at) look_at(std::string(waiting_[at]));
    return std::move(found_);
  }

 private:
  void look_at(const std::string& path) {
    if (!seen_.insert(path).second) return;
    if (seen_.size() > max_blocks) {
      if (seen_.size() == max_blocks + 1) sysfs_.not_known("more devices than are looked at");
      return;
    }
    if (sysfs_.has(path + "/partition")) return later(folder_above(path));
    const auto name = last_part(path);
    if (sysfs_.has(path + "/dm")) device_mapper(path);
    if (sysfs_.has(path + "/md")) array(path);
    if (sysfs_.has(path + "/bcache")) add_module(path, "bcache");
    const auto below = lower(path);
    for (const auto& one : below) later(one);
    if (below.empty()) disk(path, name);
  }

  void later(const std::string& path) { waiting_.push_back(path); }

  // Devices that it is made of; their links are in `slaves`.
  std::vector<std::string> lower(const std::string& path) {
    std::vector<std::string> found;
    for (const auto& name : sysfs_.names(path + "/slaves"))
      if (auto one = sysfs_.follow(path + "/slaves/" + name)) found.push_back(std::move(*one));
    return found;
  }

  void add(Device device) {
    const bool there = std::any_of(
        found_.chain.devices.begin(), found_.chain.devices.end(),
        [&](const Device& one) { return one.path == device.path && one.driver == device.driver; });
    if (there) return;
    if (found_.chain.devices.size() < max_chain) return found_.chain.devices.push_back(device);
    if (found_.chain.devices.size() == max_chain) sysfs_.not_known("more devices than are kept");
  }

  // What is no device of a bus: `alias` finds its module, or it has the name `driver`.
  void add_module(const std::string& path, const std::string& driver,
                  const std::string& alias = "") {
    Device device;
    device.path = path.substr(std::string(sys_devices).size());
    device.modalias = alias;
    device.driver = driver;
    if (modules_.count(driver) != 0) device.module = driver;
    device.serves = last_part(path);
    add(std::move(device));
  }

  // Its uuid begins with who made it: "LVM-", "CRYPT-LUKS2-", "mpath-", "part1-mpath-".
  void device_mapper(const std::string& path) {
    const auto uuid = sysfs_.text(path + "/dm/uuid");
    add_module(path, "dm_mod");
    if (uuid.starts_with("LVM-")) volume_targets(path);
    if (uuid.starts_with("CRYPT-")) {
      add_module(path, "dm_crypt");
      sysfs_.not_known(last_part(path) + ": whether the release has its cipher is not looked at");
    }
    if (!uuid.starts_with("mpath-")) return;
    add_module(path, "dm_multipath");
    for (const char* selector : path_selectors) {
      const auto loaded = modules_.find(selector);
      if (loaded != modules_.end() && loaded->second.users != 0) add_module(path, selector);
    }
  }

  // Of a volume that is more than a piece of a disk.
  void volume_targets(const std::string& path) {
    for (const auto& [name, module] : modules_) {
      const bool other = name == "dm_mod" || name == "dm_crypt" || name == "dm_multipath" ||
                         std::find(std::begin(path_selectors), std::end(path_selectors), name) !=
                             std::end(path_selectors);
      if (name.starts_with("dm_") && module.users > module.above.size() && !other)
        sysfs_.not_known(last_part(path) + ": whether this volume needs " + name +
                         ", which is in use, is not known");
    }
  }

  void array(const std::string& path) {
    const auto level = sysfs_.text(path + "/md/level");
    if (!is_kernel_name(level))
      return sysfs_.not_known(last_part(path) + ": which level this array has is not known");
    add_module(path, level, "md-" + level);
  }

  void disk(const std::string& path, const std::string& name) {
    for (const auto& controller : controllers(path)) {
      for (auto& device : sysfs_.upwards(controller, name)) add(std::move(device));
      without_bus(controller, name);
    }
  }

  // Of an NVMe disk with several paths the block device is in a folder of its own, with links to
  // the controllers.
  std::vector<std::string> controllers(const std::string& path) {
    const auto above = folder_above(path);
    if (!above.starts_with("sys/devices/virtual/nvme-subsystem/")) return {path};
    std::vector<std::string> found;
    for (const auto& name : sysfs_.names(above)) {
      if (!name.starts_with("nvme") || name.find_first_not_of("0123456789", 4) != name.npos)
        continue;
      if (auto controller = sysfs_.follow(above + "/" + name))
        found.push_back(std::move(*controller));
    }
    return found.empty() ? std::vector<std::string>{path} : found;
  }

  // Hosts that are no device of a bus: of iSCSI, of NVMe over a network. They name their module.
  void without_bus(const std::string& path, const std::string& name) {
    std::string host, module;
    bool session = false;
    for (auto at = path; at.starts_with(sys_devices); at = folder_above(at)) {
      const auto part = last_part(at);
      session = session || part.starts_with("session");
      if (part.starts_with("host") && sysfs_.has(at + "/scsi_host")) {
        host = at;
        module = sysfs_.text(at + "/scsi_host/" + part + "/proc_name");
      }
      const auto transport = part.starts_with("nvme") ? sysfs_.text(at + "/transport") : "";
      if (!transport.empty() && transport != "pcie") {
        host = at;
        module = "nvme_" + transport;
        session = session || transport == "tcp" || transport == "rdma";
      }
      if (!host.empty()) break;
    }
    const auto above = folder_above(host.empty() ? path : host);
    if (!sysfs_.upwards(above, name).empty()) return;
    found_.by_network = found_.by_network || session;
    if (is_kernel_name(module) && module != "<NULL>")
      add_module(host, module);
    else
      sysfs_.not_known(name + ": what drives this disk is not known");
  }

  Sysfs& sysfs_;
  const std::map<std::string, LoadedModule>& modules_;
  std::vector<std::string> waiting_;
  std::set<std::string> seen_;
  BlockChain found_;
};

}  // namespace

BlockChain block_chain(Sysfs& sysfs, const std::string& path,
                       const std::map<std::string, LoadedModule>& modules) {
  return Walk(sysfs, modules).run(path);
}

}  // namespace cube::insight
