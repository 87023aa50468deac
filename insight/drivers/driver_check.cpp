#include "insight/drivers/driver_check.h"

#include <algorithm>
#include <set>

namespace cube::insight {
namespace {

std::string word_for(Hangs what) {
  switch (what) {
    case Hangs::root:
      return "root";
    case Hangs::root_network:
    case Hangs::network:
      return "network";
    case Hangs::console:
      return "console";
    case Hangs::nothing:
      break;
  }
  return "device";
}

bool is_vital(Hangs what) {
  return what == Hangs::root || what == Hangs::root_network || what == Hangs::network;
}

Place place_for(Hangs what) {
  return what == Hangs::root || what == Hangs::root_network ? Place::initramfs : Place::tree;
}

// "the disk sda that holds the root"
std::string purpose(Hangs what, const Device& device) {
  switch (what) {
    case Hangs::root:
      return "the disk " + device.serves + " that holds the root";
    case Hangs::root_network:
      return device.serves + ", through which the root comes";
    case Hangs::network:
      return device.serves + ", through which the machine is reached";
    case Hangs::console:
      return "the console " + device.serves;
    case Hangs::nothing:
      break;
  }
  return "the device " + device.name();
}

// "megaraid_sas drives the disk sda that holds the root (PCI 0000:03:00.0)"
std::string use_of(Hangs what, const Device& device, const std::string& module) {
  const auto address = device.pci_address();
  const auto name = device.name();
  std::string where;
  if (!device.serves.empty() && name != device.serves && name != address) where = name;
  if (!address.empty()) where += (where.empty() ? "PCI " : ", PCI ") + address;
  return module + " drives " + purpose(what, device) + (where.empty() ? "" : " (" + where + ")");
}

// At most so many of them, and how many more there are.
std::string listed(const Names& names, std::size_t most) {
  std::string text;
  std::size_t count = 0;
  for (const auto& name : names)
    if (count++ < most) text += (text.empty() ? "" : ", ") + name;
  return count > most ? text + " and " + std::to_string(count - most) + " more" : text;
}

}  // namespace

void FoundFindings::add(Finding finding) {
  finding.what = readable(finding.what);
  finding.object = readable(finding.object);
  const auto [place, is_new] = at_.emplace(finding.id(), found_.size());
  if (is_new) return found_.push_back({std::move(finding), 1});
  auto& merged = found_[place->second];
  if (finding.what != merged.finding.what) ++merged.times;
  if (finding.grade > merged.finding.grade) merged.finding = std::move(finding);
}

Findings FoundFindings::take() {
  Findings all;
  for (auto& merged : found_) {
    if (merged.times > 1)
      merged.finding.what += " (and " + std::to_string(merged.times - 1) + " more like this)";
    all.push_back(std::move(merged.finding));
  }
  return all;
}

void DriverCheck::check(Hangs what, const Chain& chain) {
  Names modules;
  bool fits = true;
  for (const auto& device : chain.devices) {
    const auto driver = supply_.driver_for(device, place_for(what));
    if (driver.module.empty()) continue;
    // Of the many others it is enough that the running kernel's lists are told to be missing.
    if (driver.lack && driver.lack->kind == Lack::Kind::machine_not_known && !is_vital(what))
      continue;
    if (!check_device(what, device, driver)) {
      fits = false;
      continue;
    }
    if (!modules.insert(driver.module).second) continue;
    check_wishes(what, device, driver.module);
    check_firmware(what, device, driver.module);
  }
  if (!fits || chain.devices.empty()) return;
  found_.add({word_for(what) + "-driver", chain.name, Grade::good,
              modules.empty() ? chain.name + ": the kernel itself has its drivers"
                              : chain.name + ": " + supply_.called(place_for(what)) +
                                    " or its kernel has " + listed(modules, 12),
              "", ""});
}

bool DriverCheck::check_device(Hangs what, const Device& device, const Driver& driver) {
  if (!driver.lack) return true;
  Finding finding{word_for(what) + "-driver",
                  driver.module,
                  Grade::warning,
                  use_of(what, device, driver.module) + "; " + driver.lack->why,
                  "",
                  ""};
  if (driver.lack->kind != Lack::Kind::missing) finding.grade = Grade::unknown;
  if (is_vital(what) && driver.lack->kind != Lack::Kind::machine_not_known) {
    finding.grade = Grade::refusal;
    finding.remedy = "compose the release with " + driver.module +
                     (place_for(what) == Place::initramfs ? " in its initramfs" : "");
  }
  found_.add(std::move(finding));
  return false;
}

// What a driver asks for and does without is told only when it has it today.
void DriverCheck::check_wishes(Hangs what, const Device& device, const std::string& module) {
  auto wishes = supply_.index().asks_for(module);
  if (supply_.running() != nullptr)
    for (const auto& one : supply_.running()->asks_for(module)) wishes.insert(one);
  for (const auto& one : wishes) {
    if (machine_.modules.count(one) == 0) continue;
    if (const auto lack = supply_.lack(one, place_for(what)))
      found_.add({word_for(what) + "-driver", one,
                  lack->kind == Lack::Kind::missing ? Grade::warning : Grade::unknown,
                  use_of(what, device, module) + " and asks for " + one + "; " + lack->why, "",
                  ""});
  }
}

// The kernel does not say which file a driver took. What today's initramfs does without, the next
// one's may, too.
bool DriverCheck::needed_early(Hangs what, const std::string& file) const {
  if (place_for(what) != Place::initramfs) return false;
  const auto& inventory = running_.inventory;
  const bool known = !inventory.initramfs.empty() && inventory.knows("initramfs_firmware");
  return !known || initramfs_has_firmware(inventory, file);
}

void DriverCheck::check_firmware(Hangs what, const Device& device, const std::string& module) {
  const auto check = word_for(what) + "-firmware";
  const auto files = supply_.index().firmware(module);
  if (!files)
    return found_.add({check, module, Grade::unknown,
                       "which firmware " + module + " loads is not known: " + files.error().what,
                       "", ""});
  Names early, later, unknown;
  for (const auto& file : *files) {
    if (!tree_has_firmware(running_, machine_.kernel, file)) continue;
    const auto place = needed_early(what, file) ? Place::initramfs : Place::tree;
    if (supply_.has_firmware(file, place)) continue;
    if (!supply_.knows_firmware(place))
      unknown.insert(file);
    else
      (place == Place::initramfs ? early : later).insert(file);
  }
  const auto tell = [&](const Names& lacking, Grade grade, const std::string& why) {
    if (lacking.empty()) return;
    found_.add({check, module, grade,
                use_of(what, device, module) + " and may load " + listed(lacking, 3) + "; " + why,
                grade == Grade::refusal ? "compose the release with that in its initramfs" : "",
                ""});
  };
  const auto early_place = supply_.called(Place::initramfs);
  tell(early, Grade::refusal, early_place + " has no such file");
  tell(unknown, Grade::refusal, "what is in " + early_place + " is not known");
  tell(later, Grade::warning, "the release has no such file");
}

}  // namespace cube::insight
