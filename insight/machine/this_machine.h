// ThisMachine: which devices this machine has, what drives them, and which of them the root
// filesystem, the network and the console hang on.
//
// A value, read from /sys and /proc of a root directory. Nothing of it is written, no module is
// loaded, no device is opened. What cannot be read, or is more than the bounds, is named in
// `unreadable`; a machine is never refused for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/root_dir.h"
#include "insight/inventory/inventory.h"

namespace cube::insight {

// A device, or something like one that needs a driver all the same: an md array, a bond.
struct Device {
  std::string path;      // below sys/devices: "pci0000:00/0000:00:02.0/virtio1"
  std::string modalias;  // what its driver is found by; "" without any: `module` is the only name
  std::string driver;    // that it is bound to, "virtio_blk"; "" of none
  std::string module;    // that the driver is in; "": the kernel does not say, so it is built in
  std::string serves;    // why it is looked at: "sda", "eth0"; "" of a device that is only there
  bool by_hand = false;  // somebody chose the driver (driver_override): the modalias does not

  // The last part of the path: "virtio1", "0000:03:00.0".
  [[nodiscard]] std::string name() const { return path.substr(path.find_last_of('/') + 1); }
  // The path has a part that is a PCI address: the last one, "0000:00:02.0"; else "".
  [[nodiscard]] std::string pci_address() const;

  bool operator==(const Device&) const = default;
};

// From a filesystem, an interface or a console down to the machine's buses. A device is there once.
struct Chain {
  std::string name;  // "sda2", "eth0", "ttyS0"
  std::vector<Device> devices;
};

struct Interface {
  Chain chain;                     // without devices when it is virtual and needs no module
  std::vector<std::string> lower;  // interfaces that it is made of: of a bond, a vlan, a bridge
  bool management = false;  // this machine is reached through it, or through what is above it
  bool physical = false;
};

struct LoadedModule {
  std::uint64_t users = 0;         // as /proc/modules counts them
  std::vector<std::string> above;  // modules that use it
};

struct ThisMachine {
  std::string kernel;            // that runs, as `uname -r`; "" when it is not known
  std::vector<Chain> roots;      // what the root filesystem is on, then the further ones
  bool root_by_network = false;  // iSCSI, NVMe over TCP and the like
  std::vector<Interface> interfaces;
  std::vector<Chain> consoles;
  std::vector<Device> devices;  // every one that is bound to a driver, by path
  std::map<std::string, LoadedModule> modules;
  std::vector<Unreadable> unreadable;  // parts "root", "network", "console", "devices", "modules"

  // Modules that drive a device, count a user, or are needed by a loaded one that does.
  [[nodiscard]] Names modules_in_use() const;
  [[nodiscard]] bool knows(const std::string& part) const;
};

// Bounds: what one machine may have.
inline constexpr std::size_t max_devices = 20000;
inline constexpr std::size_t max_chain = 2000;       // devices of one chain
inline constexpr std::size_t max_device_depth = 64;  // folders in folders below sys/devices

// The root filesystem is the one that is mounted at "/". `more` are further devices, "8:3", that
// the machine is to start from: the slot that was filled. Errors: failed (`root` itself is gone).
[[nodiscard]] Result<ThisMachine> this_machine(const RootDir& root,
                                               const std::vector<std::string>& more = {});

}  // namespace cube::insight
