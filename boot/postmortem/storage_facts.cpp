#include "boot/postmortem/storage_facts.h"

#include <algorithm>
#include <array>

namespace cube {
namespace {

constexpr std::size_t max_kept = 64;
constexpr int max_list_lines = 64;

constexpr std::string_view storage_modules[] = {
    "ahci",         "libahci",    "ata_piix",    "libata",     "ata_generic",  "nvme",
    "nvme_core",    "virtio_blk", "virtio_scsi", "virtio_pci", "sd_mod",       "scsi_mod",
    "megaraid_sas", "megaraid",   "mpt3sas",     "mpt2sas",    "mptsas",       "mptspi",
    "mptbase",      "hpsa",       "aacraid",     "smartpqi",   "qla2xxx",      "lpfc",
    "vmw_pvscsi",   "hv_storvsc", "usb_storage", "uas",        "xen_blkfront", "arcmsr",
    "3w_9xxx",      "3w_sas",     "isci",        "mvsas",      "pm80xx",       "bfa",
    "fnic",         "sdhci",      "sdhci_pci",   "sdhci_acpi", "mmc_block",    "mmc_core",
    "dm_mod",       "raid1",      "raid10",      "raid456",    "sym53c8xx",    "sata_nv",
    "sata_sil",     "sata_mv",    "aic7xxx",     "aic94xx",    "be2iscsi",     "cciss",
    "mpi3mr",       "vmd",        "esas2r",      "ipr",        "stex",         "hv_vmbus"};

struct KnownController {
  std::string_view id;  // a beginning of "VENDOR:DEVICE", or of the class
  std::string_view driver;
  std::string_view family;
};
constexpr KnownController by_id[] = {{"1af4:1001", "virtio_blk", "vd"},
                                     {"1af4:1042", "virtio_blk", "vd"},
                                     {"1af4:1004", "virtio_scsi", "sd"},
                                     {"1af4:1048", "virtio_scsi", "sd"},
                                     {"1000:0072", "mpt3sas", "sd"},
                                     {"1000:0097", "mpt3sas", "sd"},
                                     {"1000:00af", "mpt3sas", "sd"},
                                     {"1000:0030", "mptspi", "sd"},
                                     {"1000:005", "megaraid_sas", "sd"},
                                     {"1000:0016", "megaraid_sas", "sd"},
                                     {"1000:0014", "megaraid_sas", "sd"},
                                     {"1000:10e", "megaraid_sas", "sd"},
                                     {"103c:", "hpsa", "sd"},
                                     {"9005:028", "aacraid", "sd"},
                                     {"9005:", "smartpqi", "sd"},
                                     {"15ad:07c0", "vmw_pvscsi", "sd"},
                                     {"1077:", "qla2xxx", "sd"}};
constexpr KnownController by_class[] = {
    {"0x010802", "nvme", "nvme"},         {"0x010601", "ahci", "sd"},
    {"0x0101", "ata_piix", "sd"},         {"0x0104", "a RAID controller", "sd"},
    {"0x0107", "a SAS controller", "sd"}, {"0x0100", "a SCSI controller", "sd"}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

std::string_view first_word(std::string_view text) {
  return text.substr(0, text.find(' '));
}

// "sda", "vdb", "nvme0n1", "mmcblk0", "xvda", "md0"; not "sr0", "loop0", "ram0", "sda1".
bool is_disk_name(std::string_view name) {
  if (name.size() < 3 || name.size() > 16) return false;
  for (const std::string_view letters : {"sd", "vd", "xvd", "hd", "dasd"})
    if (name.starts_with(letters) && name.size() > letters.size() &&
        std::all_of(name.begin() + static_cast<std::ptrdiff_t>(letters.size()), name.end(),
                    is_lower))
      return true;
  if (name.starts_with("nvme") && is_digit(name[4 < name.size() ? 4 : 0])) {
    const auto n = name.find('n', 4);
    return n != std::string_view::npos && n + 1 < name.size() &&
           std::all_of(name.begin() + static_cast<std::ptrdiff_t>(n + 1), name.end(), is_digit);
  }
  return name.starts_with("mmcblk") && name.size() > 6 && is_digit(name.back()) &&
         name.find('p') == std::string_view::npos;
}

std::string_view family_of(std::string_view device) {
  if (device.starts_with("/dev/")) device.remove_prefix(5);
  for (const std::string_view family : {"sd", "vd", "nvme", "mmcblk", "xvd", "hd"})
    if (device.starts_with(family)) return family;
  return "";
}

void keep(std::vector<std::string>& list, std::string_view name) {
  if (list.size() < max_kept && std::find(list.begin(), list.end(), name) == list.end())
    list.emplace_back(name);
}

}  // namespace

bool is_storage_module(std::string_view module) {
  std::string name(module);
  std::replace(name.begin(), name.end(), '-', '_');
  return std::find(std::begin(storage_modules), std::end(storage_modules), name) !=
         std::end(storage_modules);
}

void StorageFacts::read(std::string_view line) {
  read_controller(line);
  read_driver(line);
  read_disk(line);
  read_partition_list(line);
  read_breadcrumb(line);
}

// "pci 0000:00:1f.2: [8086:2922] type 00 class 0x010601"
void StorageFacts::read_controller(std::string_view line) {
  if (!line.starts_with("pci 0000:") && !line.starts_with("pci 1000")) return;
  const auto kind = line.find("class 0x01");
  const auto ids = line.find('[');
  if (kind == std::string_view::npos || ids == std::string_view::npos || line.size() < ids + 10 ||
      line.find(']') != ids + 10 || controllers_.size() >= max_kept)
    return;
  Controller controller;
  controller.address = line.substr(4, 12);
  controller.line = line;
  const auto look = [&](std::string_view text, const auto& table) {
    for (const auto& known : table)
      if (controller.driver.empty() && text.starts_with(known.id)) {
        controller.driver = known.driver;
        controller.family = known.family;
      }
  };
  look(line.substr(ids + 1, 9), by_id);
  look(line.substr(kind + 6, 8), by_class);
  if (!controller.driver.empty()) controllers_.push_back(std::move(controller));
}

void StorageFacts::add_driver(std::string_view name) {
  keep(drivers_, name);
  for (auto& controller : controllers_)
    if (controller.driver == name) controller.bound = true;
}

void StorageFacts::read_driver(std::string_view line) {
  for (const std::string_view refusal : {"version magic", "nknown symbol", "disagrees about"})
    if (line.find(refusal) != std::string_view::npos) return;
  const auto word = first_word(line);
  const std::string_view name = word.ends_with(':') ? word.substr(0, word.size() - 1) : word;
  const auto rest = line.substr(std::min(word.size() + 1, line.size()));
  // "ahci 0000:00:1f.2: AHCI ...", "virtio_blk virtio1: ...", "nvme nvme0: ..."
  const bool bus =
      rest.starts_with("0000:") || rest.starts_with("virtio") || rest.starts_with("nvme");
  if (bus && is_storage_module(name) && name != "virtio_pci" && name != "virtio-pci") {
    std::string plain(name);
    std::replace(plain.begin(), plain.end(), '-', '_');
    add_driver(plain);
  }
  // "nvme nvme0: 2/0/0 default/read/poll queues": a guess that it has a disk,
  // for a disk without partitions says no more.
  if (line.starts_with("nvme nvme") && line.find(" queues") != std::string_view::npos)
    add_disk(std::string(first_word(rest).substr(0, std::min(rest.find(':'), rest.size()))) + "n1");
  if (line.starts_with("scsi host")) {
    const auto colon = line.find(": ");
    const std::string_view host = colon == std::string_view::npos ? "scsi" : line.substr(colon + 2);
    add_driver(host.starts_with("Virtio SCSI") ? "virtio_scsi" : host.substr(0, 32));
  }
  if (line.starts_with("ata") && line.find("ATA max ") != std::string_view::npos)
    add_driver("libata");
  if (line.starts_with("mmc") && line.find("controller on") != std::string_view::npos)
    add_driver("sdhci");
  if (line.starts_with("hv_vmbus: registering driver hv_storvsc")) add_driver("hv_storvsc");
  for (auto& controller : controllers_)
    if (line.find(controller.address) != std::string_view::npos && !line.starts_with("pci ") &&
        is_storage_module(name) && !name.starts_with("virtio"))
      controller.bound = true;
}

void StorageFacts::add_disk(std::string_view name) {
  if (is_disk_name(name)) keep(disks_, name);
}

// "sd 0:0:0:0: [sda] ...", "virtio_blk virtio1: [vda] ...", " sda: sda1 sda2", "mmcblk0: mmc0:0001"
void StorageFacts::read_disk(std::string_view line) {
  const auto open = line.find('[');
  const auto close = line.find(']', open == std::string_view::npos ? 0 : open);
  if (close != std::string_view::npos && open != std::string_view::npos &&
      (line.starts_with("sd ") || line.starts_with("virtio_blk ")))
    add_disk(line.substr(open + 1, close - open - 1));
  const auto word = first_word(line);
  if (word.size() > 1 && word.back() == ':') {
    const auto name = word.substr(0, word.size() - 1);
    if (word.size() == line.size() || line.substr(word.size() + 1).starts_with(name) ||
        line.starts_with("mmcblk"))
      add_disk(name);
  }
}

// "0800 41943040 sda driver: sd", "103:00000  65536 nvme0n1"; newer kernels break these lines.
void StorageFacts::read_partition_list(std::string_view line) {
  if (line.find("available partitions:") != std::string_view::npos ||
      line.find("List of all partitions:") != std::string_view::npos) {
    list_lines_left_ = max_list_lines;
    return;
  }
  if (list_lines_left_ <= 0 && line.find(" driver: ") == std::string_view::npos) return;
  --list_lines_left_;
  const auto number = first_word(line);
  if (number.size() < 4 || number.size() > 10 || !is_hex(number[0]) || !is_hex(number.back()))
    return;
  auto rest = line.substr(number.size());
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  const auto blocks = first_word(rest);
  if (blocks.empty() || !std::all_of(blocks.begin(), blocks.end(), is_digit)) return;
  rest.remove_prefix(blocks.size());
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  add_disk(first_word(rest));
}

// "cube-update: initramfs: ...; disks: sda vdb" and "disks: none"
void StorageFacts::read_breadcrumb(std::string_view line) {
  const auto at = line.rfind("; disks: ");
  if (at == std::string_view::npos ||
      line.find("cube-update: initramfs:") == std::string_view::npos)
    return;
  auto rest = line.substr(at + 9);
  told_none_ = rest.starts_with("none");
  while (!rest.empty()) {
    const auto name = first_word(rest);
    add_disk(name);
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
  }
}

const StorageFacts::Controller* StorageFacts::unbound() const {
  for (const auto& controller : controllers_)
    if (!controller.bound) return &controller;
  return nullptr;
}

const StorageFacts::Controller* StorageFacts::unbound_for(std::string_view device) const {
  const auto family = family_of(device);
  for (const auto& controller : controllers_)
    if (!controller.bound && controller.family == family) return &controller;
  return nullptr;
}

bool StorageFacts::family_seen(std::string_view device) const {
  const auto family = family_of(device);
  if (family.empty()) return !disks_.empty();
  return std::any_of(disks_.begin(), disks_.end(),
                     [&](const std::string& disk) { return disk.starts_with(family); });
}

}  // namespace cube
