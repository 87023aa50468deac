#include "boot/postmortem/log_words.h"

#include <algorithm>

namespace cube {
namespace {

constexpr std::size_t max_word = 128;

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

// What stands between `before` and the first of `ends`.
std::string between(std::string_view line, std::string_view before, std::string_view ends) {
  const auto at = line.find(before);
  if (at == std::string_view::npos) return "";
  const auto rest = line.substr(at + before.size());
  return std::string(rest.substr(0, std::min(rest.find_first_of(ends), max_word)));
}

// "virtio_blk" of "/lib/modules/6.1/virtio_blk.ko.xz"
std::string module_of_path(std::string_view line) {
  const auto end = line.find(".ko");
  if (end == std::string_view::npos) return "";
  auto start = end;
  while (start > 0 && is_name(line[start - 1])) --start;
  return std::string(line.substr(start, std::min(end - start, max_word)));
}

bool is_module_name(std::string_view name) {
  return !name.empty() && name.size() <= 56 && std::all_of(name.begin(), name.end(), is_name);
}

}  // namespace

std::string kernel_in(std::string_view line) {
  if (auto kernel = between(line, "Linux version ", " ("); !kernel.empty()) return kernel;
  const auto at = line.find("ainted");
  if (at != std::string_view::npos && line.find("Comm:") != std::string_view::npos) {
    auto rest = line.substr(at);
    while (!rest.empty()) {
      const auto word = rest.substr(0, rest.find(' '));
      if (word.find('.') != std::string_view::npos && word[0] >= '0' && word[0] <= '9' &&
          word.size() <= 96)
        return std::string(word);
      rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    }
  }
  if (line.find("version magic") != std::string_view::npos)
    return between(line, "should be '", " '");
  return "";
}

std::string module_in(std::string_view line) {
  for (const std::string_view before :
       {"FATAL: Module ", "module '", "could not insert '", "Could not insert '", "load module ",
        "Error inserting '", "modprobe: module ", "Error inserting ", "command for "}) {
    std::string name = between(line, before, " '(,");
    if (name.find('/') != std::string::npos || name.find(".ko") != std::string::npos) break;
    if (is_module_name(name)) return name;
  }
  if (auto name = module_of_path(line); is_module_name(name)) return name;
  for (const std::string_view after :
       {": version magic", ": Unknown symbol", ": disagrees about", ": no symbol version",
        ": Loading of", ": exports duplicate", ": module verification"}) {
    const auto at = line.find(after);
    if (at == std::string_view::npos) continue;
    auto start = at;
    while (start > 0 && is_name(line[start - 1])) --start;
    return std::string(line.substr(start, at - start));
  }
  if (auto name = between(line, "probe with driver ", " "); is_module_name(name)) return name;
  const auto probe = line.find(": probe of ");
  if (probe != std::string_view::npos && is_module_name(line.substr(0, probe)))
    return std::string(line.substr(0, probe));
  return "";
}

std::string device_in(std::string_view line) {
  if (auto name = between(line, "ALERT!  ", " "); !name.empty()) return name;
  if (auto name = between(line, "ALERT! ", " "); !name.empty()) return name;
  if (auto name = between(line, "root device \"", "\""); !name.empty()) return name;
  if (auto name = between(line, "Waiting for root device ", " "); !name.empty()) {
    while (name.ends_with('.')) name.pop_back();
    return name;
  }
  if (line.find("aiting for device ") != std::string_view::npos)
    if (auto name = between(line, " - /dev/", " "); !name.empty()) {
      while (name.ends_with('.')) name.pop_back();
      return "/dev/" + name;
    }
  for (const std::string_view before :
       {"root not found: ", "mount failed: ", "no device ", "cannot hand over to ", "device '",
        "Timed out waiting for device ", "unable to resolve '", "mounting ", "Warning: \"",
        "Warning: "}) {
    auto name = between(line, before, " ';\"");
    while (name.ends_with('.') || name.ends_with(':')) name.pop_back();
    if (name.starts_with("/dev/") || name.find('=') != std::string::npos ||
        name.starts_with("dev-"))
      return name;
  }
  return "";
}

std::string filesystem_in(std::string_view line) {
  if (auto name = between(line, "nknown filesystem type '", "'"); !name.empty()) return name;
  if (line.find("EXT4-fs") != std::string_view::npos) return "ext4";
  if (line.find("XFS (") != std::string_view::npos) return "xfs";
  if (line.find("BTRFS") != std::string_view::npos) return "btrfs";
  if (line.find("SQUASHFS") != std::string_view::npos) return "squashfs";
  if (line.find("F2FS-fs") != std::string_view::npos) return "f2fs";
  if (line.find("erofs") != std::string_view::npos) return "erofs";
  for (const std::string_view name : {"ext4", "xfs", "btrfs", "f2fs", "squashfs", "vfat"})
    if (line.find("Module " + std::string(name) + " not found") != std::string_view::npos ||
        line.find("fsck." + std::string(name)) != std::string_view::npos ||
        line.find("Found " + std::string(name) + " filesystem") != std::string_view::npos)
      return std::string(name);
  return "";
}

std::string argument_in(std::string_view line, std::string_view name) {
  const std::string wanted = " " + std::string(name) + "=";
  auto at = line.find(wanted);
  if (at == std::string_view::npos) return "";
  const auto rest = line.substr(at + wanted.size());
  return std::string(rest.substr(0, std::min(rest.find(' '), max_word)));
}

StackFrame frame_in(std::string_view line) {
  while (line.starts_with(' ')) line.remove_prefix(1);
  if (line.starts_with("? ")) return {};
  if (line.starts_with("[<")) {  // "[<ffffffff8107d1b1>] panic+0x10a/0x1f0": kernels before 4.11
    const auto end = line.find(">] ");
    if (end == std::string_view::npos) return {};
    line.remove_prefix(end + 3);
    if (line.starts_with("? ")) return {};
  }
  std::size_t length = 0;
  while (length < line.size() && is_name(line[length])) ++length;
  if (length == 0 || length > 100 || line.substr(length, 3) != "+0x") return {};
  StackFrame frame{std::string(line.substr(0, length)), ""};
  const auto open = line.find(" [");
  if (open != std::string_view::npos) frame.module = between(line.substr(open), " [", "] ");
  return frame;
}

bool is_filesystem_module(std::string_view module) {
  for (const std::string_view name :
       {"ext4", "xfs", "btrfs", "f2fs", "squashfs", "erofs", "jbd2", "mbcache", "overlay"})
    if (module == name) return true;
  return false;
}

}  // namespace cube
