#include "boot/watchdog/watchdog_devices.h"

#include "base/mutation.h"

namespace cube {
namespace {

constexpr const char* folder = "sys/class/watchdog";
constexpr std::size_t max_devices = 16;
constexpr std::size_t max_word = 64;

// One line of sysfs, printable.
std::string word_in(const RootDir& root, const std::string& path) {
  auto text = root.read_file(path, 4096);
  if (!text) return "";
  std::string word = text->substr(0, text->find('\n')).substr(0, max_word);
  for (char& c : word)
    if (c < 0x20 || c > 0x7e) c = '?';
  return word;
}

// Identities of Linux 6.1: softdog.c, iTCO_wdt.c.
WatchdogDevice::Kind kind_of(const std::string& identity) {
  if (mutated("any-device-counts")) return WatchdogDevice::Kind::hardware;
  if (identity == "Software Watchdog") return WatchdogDevice::Kind::software;
  if (identity.starts_with("iTCO_wdt")) return WatchdogDevice::Kind::unproven;
  return WatchdogDevice::Kind::hardware;
}

}  // namespace

Result<std::vector<WatchdogDevice>> watchdog_devices(const RootDir& root) {
  std::vector<WatchdogDevice> devices;
  auto names = root.list(folder, 1000);
  if (!names && names.error().code == Errc::not_found) return devices;
  if (!names) return std::move(names).error();
  for (const auto& name : *names) {
    if (devices.size() == max_devices) break;
    if (!name.starts_with("watchdog")) continue;
    const std::string path = std::string(folder) + "/" + name + "/";
    WatchdogDevice device;
    device.name = name;
    device.identity = word_in(root, path + "identity");
    device.kind = kind_of(device.identity);
    device.active = word_in(root, path + "state") == "active";
    device.seconds = word_in(root, path + "timeout");
    devices.push_back(std::move(device));
  }
  return devices;
}

}  // namespace cube
