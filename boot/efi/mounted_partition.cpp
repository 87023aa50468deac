#include "boot/efi/mounted_partition.h"

#include <fcntl.h>

#include <sstream>

#include "base/io.h"
#include "base/mutation.h"
#include "boot/efi/entry_text.h"
#include "base/little_endian.h"

namespace cube {
namespace {

constexpr std::size_t max_mountinfo = 4 * 1024 * 1024;
constexpr std::uint64_t sector = 512;  // sysfs counts in these, whatever the disk's blocks are

// A file of sysfs with one number.
Result<std::uint64_t> number_of(const RootDir& root, const std::string& path) {
  CUBE_TRY(auto text, root.read_file(path, 4096));
  if (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string::npos)
    return Error{Errc::corrupt, root.join(path) + " is no number"};
  return std::stoull(text);
}

// The disk's name in /dev.
Result<std::string> disk_name(const RootDir& root, const std::string& device) {
  CUBE_TRY(const auto text, root.read_file(device + "/../uevent", 4096));
  std::istringstream lines(text);
  constexpr std::string_view name = "DEVNAME=";
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name)) return line.substr(name.size());
  return Error{Errc::corrupt, root.join(device) + " has no disk"};
}

// What the GPT has under the partition's number. UEFI specification 2.10, 5.3.2 and 5.3.3.
Result<std::string> gpt_entry(const Fd& disk, std::uint64_t block, std::uint32_t number) {
  const Error none{Errc::corrupt, "has no GPT with that partition"};
  constexpr std::size_t shortest = 128, longest = 4096, most = 1024;
  std::string header, entry;
  CUBE_CHECK(read_at(disk, block, 92, header));
  if (!header.starts_with("EFI PART")) return none;
  const auto table = number_at(header, 72, 8);
  const auto count = number_at(header, 80, 4), size = number_at(header, 84, 4);
  if (size < shortest || size > longest || count > most || number == 0 || number > count ||
      table > (std::uint64_t{1} << 48))
    return none;
  CUBE_CHECK(read_at(disk, table * block + (number - 1) * size, shortest, entry));
  return entry;
}

Result<GptPartition> read_partition(const RootDir& root, const std::string& device) {
  GptPartition found;
  CUBE_TRY(const auto number, number_of(root, device + "/partition"));
  CUBE_TRY(const auto start, number_of(root, device + "/start"));
  CUBE_TRY(const auto size, number_of(root, device + "/size"));
  CUBE_TRY(const auto block, number_of(root, device + "/../queue/logical_block_size"));
  if (block < sector || block > 65536 || block % sector != 0 || number > 1024)
    return Error{Errc::corrupt, root.join(device) + " has odd numbers"};
  found.number = static_cast<std::uint32_t>(number);
  found.start = start / (block / sector);
  found.size = size / (block / sector);
  CUBE_TRY(const auto name, disk_name(root, device));
  CUBE_TRY(const auto disk, root.open_file("dev/" + name, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  auto entry = gpt_entry(disk, block, found.number);
  if (!entry) return std::move(entry).error().in("/dev/" + name);
  entry->copy(found.guid.data(), found.guid.size(), 16);
  const auto first = number_at(*entry, 32, 8), last = number_at(*entry, 40, 8);
  const bool same = first == found.start && last == found.start + found.size - 1;
  if (same || mutated("uefi-gpt-not-compared")) return found;
  return Error{Errc::corrupt, "/dev/" + name + ": the kernel and the GPT differ about partition " +
                                  std::to_string(found.number)};
}

}  // namespace

std::string device_mounted_at(std::string_view mountinfo, std::string_view folder) {
  std::string device;
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, parent, number, top, at;
    words >> id >> parent >> number >> top >> at;
    if (at == folder) device = top == "/" ? number : "";
  }
  const bool plain = device.find_first_not_of("0123456789:") == std::string::npos;
  return plain && device.size() <= 32 ? device : "";
}

Result<GptPartition> partition_mounted_at(const RootDir& root, const std::string& folder) {
  (void)root.list(folder + "/cube");  // an automounter mounts it now
  CUBE_TRY(const auto mountinfo, root.read_file("proc/self/mountinfo", max_mountinfo));
  const auto first = folder.find_first_not_of('/');
  const auto point = "/" + folder.substr(std::min(first, folder.size()));
  const auto number = device_mounted_at(mountinfo, point);
  if (number.empty())
    return Error{Errc::cannot_arm, "no partition is mounted at " + point +
                                       "; is the EFI system partition mounted there (boot.esp)?"};
  auto found = read_partition(root, "sys/dev/block/" + number);
  if (found) return found;
  return Error{Errc::cannot_arm, "what is mounted at " + point +
                                     " is no partition of a GPT disk that the firmware could find "
                                     "again: " +
                                     found.error().what};
}

}  // namespace cube
