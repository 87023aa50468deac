#include "tests/support/systemd_boot_loader.h"

#include <fnmatch.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "boot/systemd_boot/boot_entry.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

std::string SystemdBootLoader::variable(const std::string& name) const {
  return folder_ + "/sys/firmware/efi/efivars/" + name + "-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
}

void SystemdBootLoader::set_variable(const std::string& name, const std::string& text) const {
  fs::remove(variable(name));
  if (text.empty()) return;
  std::string bytes("\x07\0\0\0", 4);
  for (const char c : text + '\0') bytes += {c, '\0'};
  write_bytes(variable(name), bytes);
}

std::string SystemdBootLoader::text_of(const std::string& name) const {
  const auto bytes = read_bytes(variable(name));
  std::string text;
  for (std::size_t at = 4; at + 1 < bytes.size() && bytes[at] != 0; at += 2) text += bytes[at];
  return text;
}

void SystemdBootLoader::install(SlotId fallback) {
  fs::remove_all(esp());
  lay_out_slots(folder_);
  const BootEntry first{fallback, false, 1, 0, random_hex(16), ""};
  const std::string slot(to_string(fallback));
  write_bytes(entry("cube-" + slot + ".conf"), render_entry(first).value());
  write_bytes(loader_conf(), "timeout 0\ndefault cube-" + slot + ".conf\neditor no\n");
  copy_kernel(folder_, esp() + "/" + kernel_folder(fallback, 0), fallback);
  set_variable("LoaderInfo", "systemd-boot 252");
  set_variable("LoaderEntryDefault", "cube-" + slot + ".conf");
  set_variable("LoaderEntryOneShot", "");
}

std::vector<SystemdBootLoader::Entry> SystemdBootLoader::entries() const {
  static const std::regex counter("(.*)\\+([0-9]+)(-([0-9]+))?\\.conf");
  std::vector<Entry> found;
  for (const auto& file : fs::directory_iterator(esp() + "/loader/entries")) {
    Entry one{file.path().filename(), lower(file.path().filename()), {}, -1, -1};
    if (!one.id.ends_with(".conf")) continue;
    std::istringstream lines(read_bytes(file.path()));
    for (std::string line; std::getline(lines, line);) {
      const auto gap = line.find(' ');
      if (line.starts_with("#") || gap == std::string::npos) continue;
      one.lines[line.substr(0, gap)] = line.substr(gap + 1);
    }
    if (one.lines.count("linux") == 0 || !fs::exists(esp() + one.lines["linux"])) continue;
    std::smatch parts;
    if (std::regex_match(one.id, parts, counter)) {
      one.left = std::stoi(parts[2]);
      one.done = parts[4].matched ? std::stoi(parts[4]) : 0;
    }
    found.push_back(one);
  }
  std::sort(found.begin(), found.end(), [](Entry a, Entry b) {
    if ((a.left == 0) != (b.left == 0)) return b.left == 0;  // without tries left: to the end
    const bool old_a = a.lines["sort-key"].empty(), old_b = b.lines["sort-key"].empty();
    if (old_a != old_b) return old_b;
    if (a.lines["sort-key"] != b.lines["sort-key"])
      return a.lines["sort-key"] < b.lines["sort-key"];
    const int newer = ::strverscmp(a.lines["version"].c_str(), b.lines["version"].c_str());
    if (newer != 0) return newer > 0;
    return ::strverscmp(a.id.c_str(), b.id.c_str()) > 0;
  });
  return found;
}

SystemdBootLoader::Entry SystemdBootLoader::choose(const std::vector<Entry>& entries,
                                                   const std::string& one_shot) const {
  std::string preset;
  std::istringstream lines(read_bytes(loader_conf()));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("default ")) preset = line.substr(8);
  for (const auto& pattern : {one_shot, text_of("LoaderEntryDefault"), preset})
    for (const auto& one : entries)
      if (::fnmatch(lower(pattern).c_str(), one.id.c_str(), 0) == 0) return one;
  if (entries.empty()) throw std::runtime_error("systemd-boot has nothing to start");
  return entries.front();
}

void SystemdBootLoader::count(Entry& entry) const {
  if (entry.left <= 0) return;
  const auto plus = entry.file.rfind('+');
  const auto name = entry.file.substr(0, plus) + "+" + std::to_string(entry.left - 1) + "-" +
                    std::to_string(entry.done + 1) + ".conf";
  fs::rename(this->entry(entry.file), this->entry(name));
}

Started SystemdBootLoader::start() {
  const auto one_shot = text_of("LoaderEntryOneShot");
  set_variable("LoaderEntryOneShot", "");
  auto chosen = choose(entries(), one_shot);
  count(chosen);
  set_variable("LoaderEntrySelected", chosen.id);
  return start_kernel(folder_, chosen.lines["options"]);
}

}  // namespace cube
