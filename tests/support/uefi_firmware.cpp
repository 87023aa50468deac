#include "tests/support/uefi_firmware.h"

#include <algorithm>
#include <filesystem>
#include <random>
#include <stdexcept>

#include "boot/efi/entry_text.h"
#include "boot/efi/unified_kernel.h"
#include "boot/uefi/slot_entry.h"

namespace cube {
namespace {

namespace fs = std::filesystem;
constexpr const char* disk_option = "UEFI Misc Device";

std::uint64_t number_of(const std::string& bytes, std::size_t at, std::size_t size) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < size; ++i)
    number |= std::uint64_t{static_cast<unsigned char>(bytes.at(at + i))} << (8 * i);
  return number;
}

std::string bytes_of(std::uint64_t number, std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(number >> (8 * i));
  return bytes;
}

std::string wide(const std::string& text) {
  std::string bytes;
  for (const char c : text + '\0') bytes += {c, '\0'};
  return bytes;
}

std::string narrow(const std::string& bytes, std::size_t at) {
  std::string text;
  for (; at + 1 < bytes.size() && (bytes[at] != 0 || bytes[at + 1] != 0); at += 2)
    text += bytes[at];
  return text;
}

// The arguments that a whole program hands to its kernel.
std::optional<std::string> start_unified_kernel(const std::string& program) {
  const auto arguments = UefiFirmware::section(program, ".cmdline");
  const auto slot = arguments.find("cube.slot=");
  if (slot == std::string::npos) return std::nullopt;
  const auto of = " of slot " + arguments.substr(slot + 10, 1);
  if (UefiFirmware::section(program, ".linux") != "vmlinuz" + of ||
      UefiFirmware::section(program, ".initrd") != "initrd.img" + of)
    throw std::runtime_error("the removable path starts another slot's kernel: " + arguments);
  return arguments;
}

}  // namespace

std::string UefiFirmware::stub() {
  std::string file(0x600, '\0');
  const auto put = [&](std::size_t at, const std::string& bytes) {
    file.replace(at, bytes.size(), bytes);
  };
  put(0, "MZ");
  put(0x3c, bytes_of(64, 4));
  put(64, std::string("PE\0\0", 4) + bytes_of(0x8664, 2) + bytes_of(1, 2));
  put(64 + 20, bytes_of(240, 2) + bytes_of(0x22e, 2) + bytes_of(0x20b, 2));
  put(64 + 24 + 32, bytes_of(4096, 4) + bytes_of(512, 4));
  put(64 + 24 + 56, bytes_of(0x2000, 4) + bytes_of(0x400, 4) + bytes_of(0x1234, 4));
  put(328, std::string(".text\0\0\0", 8) + bytes_of(0x100, 4) + bytes_of(0x1000, 4) +
               bytes_of(0x200, 4) + bytes_of(0x400, 4));
  return file;
}

std::string UefiFirmware::section(const std::string& program, const std::string& name) {
  if (!program.starts_with("MZ")) return "";
  const auto pe = number_of(program, 0x3c, 4);
  auto at = pe + 24 + number_of(program, pe + 20, 2);
  for (auto left = number_of(program, pe + 6, 2); left > 0; --left, at += 40)
    if (program.substr(at, 8) == std::string(name).append(8 - name.size(), '\0'))
      return program.substr(number_of(program, at + 20, 4), number_of(program, at + 8, 4));
  return "";
}

std::string UefiFirmware::name_of(std::uint16_t number) {
  char name[9];
  std::snprintf(name, sizeof name, "Boot%04X", number);
  return name;
}

std::string UefiFirmware::variable(const std::string& name) const {
  return folder_ + "/sys/firmware/efi/efivars/" + name + "-8be4df61-93ca-11d2-aa0d-00e098032b8c";
}

std::string UefiFirmware::get(const std::string& name) const {
  const auto bytes = read_bytes(variable(name));
  return bytes.size() < 4 ? "" : bytes.substr(4);
}

void UefiFirmware::set(const std::string& name, const std::string& value) const {
  fs::remove(variable(name));
  if (!value.empty()) write_bytes(variable(name), std::string("\x07\0\0\0", 4) + value);
}

std::vector<std::uint16_t> UefiFirmware::numbers(const std::string& name) const {
  const auto value = get(name);
  std::vector<std::uint16_t> found;
  for (std::size_t at = 0; at + 1 < value.size(); at += 2)
    found.push_back(static_cast<std::uint16_t>(number_of(value, at, 2)));
  return found;
}

void UefiFirmware::set_numbers(const std::string& name,
                               const std::vector<std::uint16_t>& numbers) const {
  std::string value;
  for (const auto number : numbers) value += bytes_of(number, 2);
  set(name, value);
}

std::vector<std::uint16_t> UefiFirmware::named(const std::string& description) const {
  std::vector<std::uint16_t> found;
  for (unsigned number = 0; number < 64; ++number) {
    const auto value = get(name_of(static_cast<std::uint16_t>(number)));
    if (value.size() > 6 && narrow(value, 6) == description)
      found.push_back(static_cast<std::uint16_t>(number));
  }
  return found;
}

void UefiFirmware::add_foreign(std::uint16_t number, const std::string& description) const {
  const std::string end("\x7f\xff\x04\x00", 4);
  set(name_of(number), bytes_of(1, 4) + bytes_of(end.size(), 2) + wide(description) + end);
}

// What the kernel shows of a disk with a GPT, and what is mounted from it.
void UefiFirmware::lay_out_disk() {
  std::random_device source;
  for (auto& byte : partition_.guid) byte = static_cast<char>(source());
  const auto last = partition_.start + partition_.size - 1;
  std::string disk(3 * 512, '\0');
  const auto put = [&](std::size_t at, const std::string& bytes) {
    disk.replace(at, bytes.size(), bytes);
  };
  put(512, "EFI PART" + bytes_of(0x10000, 4) + bytes_of(92, 4));
  put(512 + 72, bytes_of(2, 8) + bytes_of(128, 4) + bytes_of(128, 4));
  put(1024 + 128 + 16, std::string(partition_.guid.data(), 16));
  put(1024 + 128 + 32, bytes_of(partition_.start, 8) + bytes_of(last, 8));
  write_bytes(folder_ + "/dev/vda", disk);
  const auto device = folder_ + "/sys/devices/block/vda";
  write_bytes(device + "/uevent", "MAJOR=254\nMINOR=0\nDEVNAME=vda\nDEVTYPE=disk\n");
  write_bytes(device + "/queue/logical_block_size", "512\n");
  write_bytes(device + "/vda2/partition", "2\n");
  write_bytes(device + "/vda2/start", std::to_string(partition_.start) + "\n");
  write_bytes(device + "/vda2/size", std::to_string(partition_.size) + "\n");
  fs::create_directories(folder_ + "/sys/dev/block");
  fs::remove(folder_ + "/sys/dev/block/254:2");
  fs::create_symlink("../../devices/block/vda/vda2", folder_ + "/sys/dev/block/254:2");
  write_bytes(folder_ + "/proc/self/mountinfo",
              "21 1 254:3 / / rw - ext4 /dev/vda3 rw\n"
              "30 21 254:2 / /boot/efi rw,relatime - vfat /dev/vda2 rw\n");
}

void UefiFirmware::install(SlotId fallback) {
  fs::remove_all(esp());
  lose_variables();
  lay_out_slots(folder_);
  lay_out_disk();
  const SlotEntry first{fallback, std::nullopt, 1, 0, random_hex(16), ""};
  copy_kernel(folder_, esp() + "/" + kernel_folder(fallback, 0), fallback);
  for (const std::string one : {"a", "b"})
    write_bytes(folder_ + "/slots/" + one + "/usr/lib/systemd/boot/efi/linuxx64.efi.stub", stub());
  put_unified_kernel(fallback);
  add_foreign(0, "UiApp");
  add_foreign(1, "debian");
  set(name_of(2), render_slot_entry(first, partition_).value());
  set_numbers("BootOrder", {2, 1, 0});
}

// As an image builder makes it: objcopy and systemd's stub.
void UefiFirmware::put_unified_kernel(SlotId slot) const {
  const std::string name(to_string(slot));
  const std::vector<std::string> parts = {
      "root=LABEL=cube-" + name + " ro cube.slot=" + name + " cube.canary=" + random_hex(16),
      "vmlinuz of slot " + name, "initrd.img of slot " + name};
  const auto made = extend_stub(stub(), {{".cmdline", parts[0].size()},
                                         {".linux", parts[1].size()},
                                         {".initrd", parts[2].size()}})
                        .value();
  std::string program = made.begin;
  program.resize(made.size, '\0');
  for (std::size_t i = 0; i < parts.size(); ++i)
    program.replace(made.sections[i].offset, parts[i].size(), parts[i]);
  write_bytes(removable(), program);
}

void UefiFirmware::lose_variables() {
  fs::remove_all(folder_ + "/sys/firmware/efi/efivars");
  set("PlatformLang", "en");  // the firmware sets some of its own at once
}

void UefiFirmware::add_disk_option() const {
  const auto known = named(disk_option);
  for (const auto number : numbers("BootOrder"))
    if (std::find(known.begin(), known.end(), number) != known.end()) return;
  std::uint16_t number = 0;
  while (!get(name_of(number)).empty()) ++number;
  add_foreign(number, disk_option);
  auto order = numbers("BootOrder");
  order.push_back(number);
  set_numbers("BootOrder", order);
}

// The kernel's arguments; nullopt: the firmware cannot load it.
std::optional<std::string> UefiFirmware::load(const std::string& value) const {
  if (value.size() < 8) return std::nullopt;
  if (narrow(value, 6) == disk_option) return start_unified_kernel(read_bytes(removable()));
  const auto path_size = number_of(value, 4, 2);
  const auto begin = 6 + 2 * (narrow(value, 6).size() + 1);
  if (begin + path_size > value.size()) return std::nullopt;
  std::string guid, file;
  for (std::size_t at = begin; at + 4 <= begin + path_size;) {
    const auto length = number_of(value, at + 2, 2);
    if (length < 4 || at + length > value.size()) return std::nullopt;
    if (value[at] == 4 && value[at + 1] == 1) guid = value.substr(at + 24, 16);
    if (value[at] == 4 && value[at + 1] == 4) file = narrow(value.substr(at + 4, length - 4), 0);
    at += length;
  }
  const auto on_partition = [&](std::string name) {
    for (auto& c : name)
      if (c == '\\') c = '/';
    return fs::exists(esp() + name);
  };
  if (guid != std::string(partition_.guid.data(), 16) || file.empty() || !on_partition(file))
    return std::nullopt;
  const auto arguments = narrow(value, begin + path_size);
  const auto at = arguments.find("initrd=");
  if (at == std::string::npos) return arguments;
  const auto initrd = arguments.substr(at + 7, arguments.find(' ', at) - at - 7);
  return on_partition(initrd) ? std::optional(arguments) : std::nullopt;
}

Started UefiFirmware::start() {
  auto wanted = numbers("BootNext");
  set("BootNext", "");
  add_disk_option();
  const auto once = wanted.size();
  for (const auto number : numbers("BootOrder")) wanted.push_back(number);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto value = get(name_of(wanted[i]));
    const bool active = value.size() > 1 && (value[0] & 1) != 0 && (value[1] & 0x1f) == 0;
    if (i >= once && !active) continue;
    const auto arguments = load(value);
    if (!arguments) continue;
    set_numbers("BootCurrent", {wanted[i]});
    return start_kernel(folder_, *arguments);
  }
  throw std::runtime_error("the firmware has nothing to start");
}

}  // namespace cube
