// Sysfs: reads the kernel's tree of devices, below sys/ of a root directory. What is odd (a link
// that leads out of sys/devices, a folder that cannot be listed) is told and passed over.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/root_dir.h"
#include "insight/machine/this_machine.h"

namespace cube::insight {

class Sysfs {
 public:
  // `told` gets what could not be read; both outlive it.
  Sysfs(const RootDir& root, std::vector<Unreadable>& told) : root_(root), told_(told) {}

  // What is read from here on belongs to that part of ThisMachine.
  void begin(const std::string& part) { part_ = part; }
  // Each part is told of at most 20 times.
  void not_known(const std::string& why);

  // Where a link leads, in sys/devices: "sys/devices/pci0000:00/0000:00:02.0". The folder that the
  // link is in has no link in its own path. Nothing when it does not exist, or is odd (told).
  std::optional<std::string> follow(const std::string& link);
  // The first line of a small file; "" when there is none.
  std::string text(const std::string& file);
  // Names in a folder, sorted; nothing when there is none.
  std::vector<std::string> names(const std::string& folder);
  [[nodiscard]] bool has(const std::string& path) const { return root_.exists(path); }
  // Up to 4 MiB of a file; "" when there is none.
  std::string list(const std::string& file);

  // The device at "sys/devices/..."; nothing when it is bound to no driver.
  std::optional<Device> bound(const std::string& path);
  // It and all above it that are bound, itself first.
  std::vector<Device> upwards(const std::string& path, const std::string& serves);

 private:
  struct Driver {
    std::string name, module;
  };
  std::optional<Driver> driver_of(const std::string& path);
  // Nothing when there is no such link.
  std::optional<std::string> read_link(const std::string& link);
  void failed(const std::string& path, const Error& error);

  const RootDir& root_;
  std::vector<Unreadable>& told_;
  std::string part_ = "devices";
  std::map<std::string, std::size_t> times_told_;
  std::map<std::string, Driver> drivers_;  // by their folder
};

inline constexpr const char* sys_devices = "sys/devices/";
// "sys/devices/a" for "sys/devices/a/b"; "" for what has no folder.
[[nodiscard]] std::string folder_above(const std::string& path);
[[nodiscard]] std::string last_part(const std::string& path);

}  // namespace cube::insight
