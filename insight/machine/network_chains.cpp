#include "insight/machine/network_chains.h"

#include <algorithm>
#include <array>

#include "insight/machine/proc_lists.h"

namespace cube::insight {
namespace {

constexpr std::string_view lower_prefix = "lower_";

// What uevent calls an interface that no hardware is behind, and the module that makes it.
struct Kind {
  const char *name, *module, *alias;
};
constexpr std::array<Kind, 6> kinds{{
    {"bond", "bonding", "rtnl-link-bond"},
    {"bridge", "bridge", "rtnl-link-bridge"},
    {"geneve", "geneve", "rtnl-link-geneve"},
    {"macvlan", "macvlan", "rtnl-link-macvlan"},
    {"vlan", "8021q", "rtnl-link-vlan"},
    {"vxlan", "vxlan", "rtnl-link-vxlan"},
}};
constexpr Kind switch_kind{"openvswitch", "openvswitch", "net-pf-16-proto-16-family-ovs_datapath"};

class Network {
 public:
  Network(Sysfs& sysfs, const std::map<std::string, LoadedModule>& modules)
      : sysfs_(sysfs), modules_(modules) {}

  std::vector<Interface> run(const Names& routed) {
    for (const auto& name : sysfs_.names("sys/class/net")) {
      if (name == "lo" || !is_kernel_name(name)) continue;
      if (const auto path = sysfs_.follow("sys/class/net/" + name)) look_at(name, *path);
      if (found_.size() < max_chain) continue;
      sysfs_.not_known("more interfaces than are kept");
      break;
    }
    for (const auto& name : routed) mark(name);
    const bool reached = std::any_of(found_.begin(), found_.end(), [](const Interface& one) {
      return one.physical && one.management;
    });
    for (auto& one : found_) one.management = one.management || (!reached && one.physical);
    return std::move(found_);
  }

 private:
  void look_at(const std::string& name, const std::string& path) {
    Interface interface;
    interface.chain.name = name;
    interface.physical = sysfs_.has(path + "/device");
    for (const auto& entry : sysfs_.names(path))
      if (entry.starts_with(lower_prefix))
        interface.lower.push_back(entry.substr(lower_prefix.size()));
    if (interface.physical)
      interface.chain.devices = sysfs_.upwards(folder_above(path), name);
    else
      add_kind(interface, path);
    found_.push_back(std::move(interface));
  }

  void add_kind(Interface& interface, const std::string& path) {
    const Kind* kind = nullptr;
    for (const auto& word : words_in(sysfs_.list(path + "/uevent")))
      for (const auto& one : kinds)
        if (word == std::string("DEVTYPE=") + one.name) kind = &one;
    // A switch's own interface says nothing of itself.
    if (kind == nullptr && interface.lower.empty() && modules_.count(switch_kind.module) != 0)
      kind = &switch_kind;
    if (kind == nullptr) return;
    Device device;
    device.path = path.substr(std::string(sys_devices).size());
    device.modalias = kind->alias;
    device.driver = kind->name;
    if (modules_.count(kind->module) != 0) device.module = kind->module;
    device.serves = interface.chain.name;
    interface.chain.devices.push_back(std::move(device));
  }

  void mark(const std::string& name) {
    std::vector<std::string> waiting{name};
    while (!waiting.empty()) {
      const auto next = std::move(waiting.back());
      waiting.pop_back();
      for (auto& one : found_) {
        if (one.chain.name != next || one.management) continue;
        one.management = true;
        waiting.insert(waiting.end(), one.lower.begin(), one.lower.end());
      }
    }
  }

  Sysfs& sysfs_;
  const std::map<std::string, LoadedModule>& modules_;
  std::vector<Interface> found_;
};

}  // namespace

std::vector<Interface> network_chains(Sysfs& sysfs, const Names& routed,
                                      const std::map<std::string, LoadedModule>& modules) {
  return Network(sysfs, modules).run(routed);
}

}  // namespace cube::insight
