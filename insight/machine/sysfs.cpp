#include "insight/machine/sysfs.h"

#include <algorithm>

#include "insight/machine/proc_lists.h"

namespace cube::insight {
namespace {

constexpr std::size_t max_attribute_bytes = 64 * 1024;
constexpr std::size_t max_list_bytes = 4 * 1024 * 1024;
constexpr std::size_t max_told = 20;

std::string first_line(std::string text) {
  text.resize(std::min(text.find('\n'), text.size()));
  return text;
}

}  // namespace

std::string folder_above(const std::string& path) {
  const auto slash = path.find_last_of('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string last_part(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

void Sysfs::not_known(const std::string& why) {
  auto& times = times_told_[part_];
  if (times >= max_told) return;
  told_.push_back({part_, ++times == max_told ? "more than is told here" : readable(why)});
}

void Sysfs::failed(const std::string& path, const Error& error) {
  if (error.code == Errc::not_found) return;
  not_known(path + ": " +
            (error.sys_errno != 0 ? std::strerror(error.sys_errno) : "is odd, or too large"));
}

std::optional<std::string> Sysfs::read_link(const std::string& link) {
  auto target = root_.read_link(link);
  if (target) return std::move(*target);
  failed(link, target.error());
  return {};
}

std::optional<std::string> Sysfs::follow(const std::string& link) {
  const auto target = read_link(link);
  if (!target) return {};
  auto path = joined(folder_above(link), *target);
  const auto depth = std::count(path.begin(), path.end(), '/');
  if (path.starts_with(sys_devices) && static_cast<std::size_t>(depth) <= max_device_depth)
    return path;
  not_known(link + ": leads to " + *target + ", which is no device");
  return {};
}

std::string Sysfs::text(const std::string& file) {
  auto text = root_.read_file(file, max_attribute_bytes);
  if (text) return first_line(std::move(*text));
  failed(file, text.error());
  return "";
}

std::string Sysfs::list(const std::string& file) {
  auto text = root_.read_file(file, max_list_bytes);
  if (text) return std::move(*text);
  failed(file, text.error());
  return "";
}

std::vector<std::string> Sysfs::names(const std::string& folder) {
  auto found = root_.list(folder, max_devices);
  if (found) return std::move(*found);
  failed(folder, found.error());
  return {};
}

std::optional<Sysfs::Driver> Sysfs::driver_of(const std::string& path) {
  const auto target = read_link(path + "/driver");
  if (!target) return {};
  const auto folder = joined(path, *target);
  const auto name = last_part(folder);
  if (!folder.starts_with("sys/") || !is_kernel_name(name)) {
    not_known(path + "/driver: leads to " + *target + ", which is no driver");
    return {};
  }
  const auto known = drivers_.find(folder);
  if (known != drivers_.end()) return known->second;
  Driver driver{name, ""};
  if (const auto module = read_link(folder + "/module")) {
    driver.module = last_part(*module);
    if (!is_kernel_name(driver.module)) driver.module.clear();
  }
  return drivers_[folder] = driver;
}

std::optional<Device> Sysfs::bound(const std::string& path) {
  const auto driver = driver_of(path);
  if (!driver) return {};
  Device device;
  device.path = path.substr(std::string(sys_devices).size());
  device.modalias = text(path + "/modalias");
  device.driver = driver->name;
  device.module = driver->module;
  const auto by_hand = text(path + "/driver_override");
  device.by_hand = !by_hand.empty() && by_hand != "(null)";
  return device;
}

std::vector<Device> Sysfs::upwards(const std::string& path, const std::string& serves) {
  std::vector<Device> found;
  for (auto at = path; at.starts_with(sys_devices); at = folder_above(at))
    if (auto device = bound(at)) {
      device->serves = serves;
      found.push_back(std::move(*device));
    }
  return found;
}

}  // namespace cube::insight
