#include "insight/machine/this_machine.h"

#include <algorithm>
#include <set>

#include "insight/machine/block_chain.h"
#include "insight/machine/network_chains.h"
#include "insight/machine/proc_lists.h"
#include "insight/machine/sysfs.h"

namespace cube::insight {
namespace {

// "0000:03:00.0"; a domain may have more than four digits.
bool is_pci_address(std::string_view name) {
  const auto digits = name.find(':');
  if (digits == std::string_view::npos || digits < 4 || name.size() != digits + 8) return false;
  if (name[digits + 3] != ':' || name[digits + 6] != '.') return false;
  return name.find_first_not_of("0123456789abcdef:.") == std::string_view::npos;
}

// "tty0", "tty1": what is drawn by a graphics card.
bool is_screen(std::string_view name) {
  return name.size() > 3 && name.starts_with("tty") &&
         name.find_first_not_of("0123456789", 3) == std::string_view::npos;
}

class Reader {
 public:
  explicit Reader(const RootDir& root) : root_(root), sysfs_(root, found_.unreadable) {}

  Result<ThisMachine> run(const std::vector<std::string>& more) {
    CUBE_CHECK(root_.stat("."));
    begin("modules", "proc/modules");
    found_.modules = loaded_modules(sysfs_.list("proc/modules"));
    found_.kernel = sysfs_.text("proc/sys/kernel/osrelease");
    if (!is_kernel_name(found_.kernel)) {
      found_.kernel.clear();
      sysfs_.not_known("which kernel runs is not known");
    }
    begin("devices", "sys/bus");
    read_devices();
    begin("root", "proc/self/mountinfo");
    read_root();
    for (const auto& device : more) read_block_device(device);
    begin("network", "sys/class/net");
    found_.interfaces = network_chains(
        sysfs_,
        default_interfaces(sysfs_.list("proc/net/route"), sysfs_.list("proc/net/ipv6_route")),
        found_.modules);
    begin("console", "");
    read_consoles();
    return std::move(found_);
  }

 private:
  // `source` must be there, or nothing of the part is known.
  void begin(const std::string& part, const std::string& source) {
    sysfs_.begin(part);
    if (!source.empty() && !sysfs_.has(source)) sysfs_.not_known(source + ": is missing");
  }

  void read_devices() {
    std::set<std::string> paths;
    for (const auto& bus : sysfs_.names("sys/bus")) {
      const auto folder = "sys/bus/" + bus + "/devices";
      for (const auto& name : sysfs_.names(folder)) {
        if (paths.size() >= max_devices) return sysfs_.not_known("more devices than are looked at");
        const auto path = sysfs_.follow(folder + "/" + name);
        if (!path || !paths.insert(*path).second) continue;
        if (auto device = sysfs_.bound(*path)) found_.devices.push_back(std::move(*device));
      }
    }
    std::sort(found_.devices.begin(), found_.devices.end(),
              [](const Device& left, const Device& right) { return left.path < right.path; });
  }

  // A filesystem over several devices (btrfs) has no number of its own; its source names one.
  void read_root() {
    const auto mount = root_mount(sysfs_.list("proc/self/mountinfo"));
    if (mount.device.empty()) return sysfs_.not_known("what is mounted as root is not known");
    if (is_kernel_name(mount.device) && sysfs_.has("sys/dev/block/" + mount.device))
      return read_block_device(mount.device);
    if (const auto path = named(mount.source)) {
      if (mount.filesystem == "btrfs")
        sysfs_.not_known("the root is btrfs: only " + mount.source + " is known of its devices");
      return add_root(*path);
    }
    sysfs_.not_known("the root is " + mount.filesystem + " from " + mount.source +
                     ", which is no block device here");
  }

  // The device that "/dev/sda2" or "/dev/mapper/root" is.
  std::optional<std::string> named(const std::string& source) {
    constexpr std::string_view folder = "/dev/";
    if (!source.starts_with(folder)) return {};
    const auto name = last_part(source);
    if (!is_kernel_name(name)) return {};
    if (!source.starts_with("/dev/mapper/")) return sysfs_.follow("sys/class/block/" + name);
    for (const auto& block : sysfs_.names("sys/class/block")) {
      const auto path =
          block.starts_with("dm-") ? sysfs_.follow("sys/class/block/" + block) : std::nullopt;
      if (path && sysfs_.text(*path + "/dm/name") == name) return path;
    }
    return {};
  }

  void read_block_device(const std::string& number) {
    const auto path =
        is_kernel_name(number) ? sysfs_.follow("sys/dev/block/" + number) : std::nullopt;
    if (!path) return sysfs_.not_known("the block device " + number + " is not known");
    add_root(*path);
  }

  void add_root(const std::string& path) {
    const bool there = std::any_of(found_.roots.begin(), found_.roots.end(),
                                   [&](const auto& one) { return one.name == last_part(path); });
    if (there) return;
    auto walked = block_chain(sysfs_, path, found_.modules);
    found_.root_by_network = found_.root_by_network || walked.by_network;
    found_.roots.push_back(std::move(walked.chain));
  }

  void read_consoles() {
    auto names = words_in(sysfs_.text("sys/class/tty/console/active"));
    if (names.empty()) names = console_arguments(sysfs_.text("proc/cmdline"));
    if (names.empty()) sysfs_.not_known("which console the kernel writes to is not known");
    constexpr std::size_t max_consoles = 20;
    if (names.size() > max_consoles) names.resize(max_consoles);
    for (const auto& name : names) {
      const bool there = std::any_of(found_.consoles.begin(), found_.consoles.end(),
                                     [&](const auto& one) { return one.name == name; });
      if (!is_kernel_name(name) || there) continue;
      Chain chain{name, {}};
      if (is_screen(name))
        screens(chain);
      else if (name.starts_with("hvc"))
        virtio_consoles(chain);
      else
        terminal(chain);
      found_.consoles.push_back(std::move(chain));
    }
  }

  void add(Chain& chain, const std::vector<Device>& devices) {
    for (const auto& device : devices) {
      const bool there = std::any_of(chain.devices.begin(), chain.devices.end(),
                                     [&](const auto& one) { return one.path == device.path; });
      if (!there) chain.devices.push_back(device);
    }
  }

  void terminal(Chain& chain) {
    if (const auto path = sysfs_.follow("sys/class/tty/" + chain.name))
      add(chain, sysfs_.upwards(*path, chain.name));
  }

  // Graphics cards, not their outputs ("card0-HDMI-A-1").
  void screens(Chain& chain) {
    for (const auto& name : sysfs_.names("sys/class/drm"))
      if (name.starts_with("card") && name.find('-') == std::string::npos)
        if (const auto path = sysfs_.follow("sys/class/drm/" + name))
          add(chain, sysfs_.upwards(*path, chain.name));
  }

  // A virtual terminal does not say which device is behind it.
  void virtio_consoles(Chain& chain) {
    for (const auto& device : found_.devices)
      if (device.driver == "virtio_console")
        add(chain, sysfs_.upwards(sys_devices + device.path, chain.name));
  }

  const RootDir& root_;
  ThisMachine found_;
  Sysfs sysfs_;
};

}  // namespace

std::string Device::pci_address() const {
  std::string found;
  std::string_view rest = path;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('/'), rest.size());
    if (is_pci_address(rest.substr(0, end))) found = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return found;
}

bool ThisMachine::knows(const std::string& part) const {
  return std::none_of(unreadable.begin(), unreadable.end(),
                      [&](const Unreadable& one) { return one.part == part; });
}

Names ThisMachine::modules_in_use() const {
  Names found;
  for (const auto& device : devices)
    if (!device.module.empty()) found.insert(device.module);
  for (const auto& [name, module] : modules)
    if (module.users > module.above.size()) found.insert(name);
  for (bool more = true; more;) {
    more = false;
    for (const auto& [name, module] : modules)
      if (found.count(name) == 0 &&
          std::any_of(module.above.begin(), module.above.end(),
                      [&](const auto& one) { return found.count(one) != 0; })) {
        found.insert(name);
        more = true;
      }
  }
  return found;
}

Result<ThisMachine> this_machine(const RootDir& root, const std::vector<std::string>& more) {
  return Reader(root).run(more);
}

}  // namespace cube::insight
