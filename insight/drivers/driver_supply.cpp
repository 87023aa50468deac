#include "insight/drivers/driver_supply.h"

#include <algorithm>
#include <array>

#include "base/mutation.h"

namespace cube::insight {
namespace {

// Drivers that no configuration of the kernel makes a module of; other modules (shpchp) answer to
// their devices' aliases as well.
bool always_built_in(const std::string& driver) {
  return driver == "pcieport";
}

std::array<std::string, 4> places_of(const std::string& kernel, const std::string& file) {
  return {"updates/" + kernel + "/" + file, "updates/" + file, kernel + "/" + file, file};
}

}  // namespace

bool tree_has_firmware(const DriverTree& tree, const std::string& kernel, const std::string& file) {
  for (const auto& place : places_of(kernel, file))
    for (const char* compressed : {"", ".xz", ".zst"})
      if (tree.root.exists("lib/firmware/" + place + compressed)) return true;
  return false;
}

bool initramfs_has_firmware(const Inventory& inventory, const std::string& file) {
  const auto places = places_of(inventory.kernel, file);
  return std::any_of(places.begin(), places.end(), [&](const auto& place) {
    return inventory.initramfs_firmware.count(place) != 0;
  });
}

std::string DriverSupply::called(Place place) const {
  if (place == Place::tree) return "the release";
  return "the release's initramfs " + staged_.inventory.initramfs;
}

bool DriverSupply::knows_firmware(Place place) const {
  return place == Place::tree || staged_.inventory.knows("initramfs_firmware");
}

bool DriverSupply::has_firmware(const std::string& file, Place place) const {
  if (initramfs_has_firmware(staged_.inventory, file)) return true;
  return place == Place::tree && tree_has_firmware(staged_, index_.kernel(), file);
}

std::optional<Lack> DriverSupply::lack_of_one(const std::string& module, Place place) const {
  if (index_.built_in(module)) return {};
  const auto& inventory = staged_.inventory;
  if (inventory.initramfs_modules.count(module) != 0) return {};
  const auto file = index_.file(module);
  const bool in_tree =
      !file.empty() && staged_.root.exists("lib/modules/" + index_.kernel() + "/" + file);
  if (in_tree && (place == Place::tree || mutated("root-driver-in-tree-is-enough"))) return {};
  if (place == Place::initramfs && !inventory.knows("initramfs_modules"))
    return Lack{"what is in " + called(place) + " is not known", Lack::Kind::release_not_known};
  if (place == Place::initramfs && in_tree && inventory.initramfs.empty())
    return Lack{"the release has no initramfs, and " + module + " is not built in"};
  if (place == Place::initramfs && in_tree) return Lack{called(place) + " has no module " + module};
  if (!file.empty() && !in_tree)
    return Lack{"the release lacks the file lib/modules/" + index_.kernel() + "/" + file +
                " of the module " + module};
  return Lack{"the release has no module " + module + " for its kernel " + index_.kernel()};
}

std::optional<Lack> DriverSupply::lack(const std::string& module, Place place) const {
  if (auto own = lack_of_one(module, place)) return own;
  if (index_.built_in(module) || mutated("preflight-ignores-dependencies")) return {};
  for (const auto& needed : index_.needs(module))
    if (auto other = lack_of_one(needed, place)) {
      other->why += ", which " + module + " needs";
      return other;
    }
  return {};
}

// The one that the kernel names; else the one that is called like the driver; else, of a driver
// that is built in and called otherwise ("sd" of sd_mod), what answers to the device in the kernel.
std::string DriverSupply::todays_module(const Device& device, const Names& named) const {
  if (!device.module.empty()) return normalized(device.module);
  auto driver = normalized(device.driver);
  if (running_ == nullptr || named.count(driver) != 0 || always_built_in(driver)) return driver;
  const auto inside = std::find_if(named.begin(), named.end(),
                                   [&](const auto& one) { return running_->built_in(one); });
  return inside == named.end() ? driver : *inside;
}

Driver DriverSupply::driver_for(const Device& device, Place place) const {
  if (always_built_in(device.driver)) return {};
  const auto named = running_ != nullptr ? running_->named_by(device.modalias) : Names{};
  const auto today = todays_module(device, named);
  if (mutated("preflight-by-name-only")) return {today, lack(today, place)};
  // A driver that was bound by hand, or that binds to all of its bus, is found by its name alone.
  const bool by_alias = !device.by_hand && !device.modalias.empty() &&
                        (running_ == nullptr || named.count(today) != 0);
  return by_alias ? this->by_alias(device, today, place) : by_name(device, today, place);
}

std::optional<std::string> DriverSupply::usable(const Names& candidates, Place place) const {
  for (const auto& one : candidates)
    if (!lack(one, place)) return one;
  return {};
}

Driver DriverSupply::by_name(const Device& device, const std::string& today, Place place) const {
  const bool module =
      !device.module.empty() ||
      (running_ != nullptr && (running_->built_in(today) || !running_->file(today).empty()));
  auto lacks = lack(today, place);
  if (!lacks) return {today, {}};
  const auto candidates = device.by_hand ? Names{} : index_.named_by(device.modalias);
  if (const auto other = usable(candidates, place)) return {*other, {}};
  if (!module) return {};  // nothing that could be missing: the kernel has it, or is another one
  return {today, lacks};
}

Driver DriverSupply::by_alias(const Device& device, const std::string& today, Place place) const {
  const auto candidates = index_.named_by(device.modalias);
  if (candidates.count(today) != 0) return {today, lack(today, place)};
  const bool there = index_.built_in(today) || !index_.file(today).empty();
  if (index_.built_in(today) && !index_.knows_built_in_aliases()) return {today, {}};

  // Another one names it now. One that takes the whole class of devices is no successor of a driver
  // that knew this one: a disk behind a RAID controller is not there without its own driver.
  const auto unknown = of_unknown_maker(device.modalias);
  const bool special =
      running_ != nullptr && !unknown.empty() && running_->named_by(unknown).count(today) == 0;
  auto successors = candidates;
  if (special)
    for (const auto& one : index_.named_by(unknown)) successors.erase(one);
  if (const auto other = usable(successors, place)) return {*other, {}};
  if (!successors.empty()) return {*successors.begin(), lack(*successors.begin(), place)};
  if (running_ == nullptr && device.module.empty()) {
    if (const auto other = usable(candidates, place)) return {*other, {}};
    return {today, Lack{"whether the release has a driver for it is not known",
                        Lack::Kind::machine_not_known}};
  }
  auto why = there ? "the release's " + today + " does not name the device " + device.modalias
                   : "nothing in the release names the device " + device.modalias;
  if (!candidates.empty())
    why += " (" + *candidates.begin() + " only takes all devices of its kind)";
  return {today, Lack{why}};
}

}  // namespace cube::insight
