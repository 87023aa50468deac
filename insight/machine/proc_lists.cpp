#include "insight/machine/proc_lists.h"

#include <algorithm>
#include <charconv>

namespace cube::insight {
namespace {

constexpr std::size_t max_lines = 100000;
constexpr std::size_t max_path = 4096;  // PATH_MAX

template <typename Take>
void each_line(std::string_view text, const Take& take) {
  for (std::size_t lines = 0; !text.empty() && lines < max_lines; ++lines) {
    const auto end = std::min(text.find('\n'), text.size());
    take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::uint64_t number(std::string_view text, int base = 10) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

// "snd,snd_pcm," and "[permanent],": what is in brackets is no module.
std::vector<std::string> names_between_commas(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    const auto name = text.substr(0, end);
    if (is_kernel_name(name) && name != "-" && name[0] != '[') names.emplace_back(name);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return names;
}

}  // namespace

bool is_kernel_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         std::none_of(name.begin(), name.end(), [](char c) {
           return c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

std::vector<std::string> words_in(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  std::vector<std::string> words;
  while (words.size() < max_lines) {
    const auto begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    const auto end = std::min(text.find_first_of(blanks), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

std::map<std::string, LoadedModule> loaded_modules(std::string_view list) {
  std::map<std::string, LoadedModule> modules;
  each_line(list, [&](std::string_view line) {
    const auto words = words_in(line);  // NAME SIZE USERS ABOVE STATE ADDRESS
    if (words.size() < 4 || !is_kernel_name(words[0])) return;
    modules[words[0]] = {number(words[2]), names_between_commas(words[3])};
  });
  return modules;
}

RootMount root_mount(std::string_view mountinfo) {
  RootMount found;
  each_line(mountinfo, [&](std::string_view line) {
    const auto words = words_in(line);  // ID PARENT MAJOR:MINOR ROOT POINT OPTIONS... - TYPE SOURCE
    if (words.size() < 5 || words[4] != "/") return;
    const auto dash = std::find(words.begin() + 5, words.end(), "-");
    if (words.end() - dash < 3) return;
    found = {words[2], dash[1], dash[2]};
  });
  return found;
}

Names default_interfaces(std::string_view ipv4, std::string_view ipv6) {
  constexpr std::uint64_t up = 1, reject = 0x200;  // RTF_UP, RTF_REJECT of linux/route.h
  Names found;
  const auto add = [&](const std::string& name, std::uint64_t flags) {
    if (is_kernel_name(name) && name != "lo" && (flags & up) != 0 && (flags & reject) == 0)
      found.insert(name);
  };
  each_line(ipv4, [&](std::string_view line) {
    const auto words = words_in(line);  // NAME DESTINATION GATEWAY FLAGS . . METRIC MASK
    if (words.size() >= 8 && words[1] == "00000000" && words[7] == "00000000")
      add(words[0], number(words[3], 16));
  });
  const std::string any(32, '0');
  each_line(ipv6, [&](std::string_view line) {
    const auto words = words_in(line);  // DESTINATION LENGTH SOURCE LENGTH HOP . . . FLAGS NAME
    if (words.size() >= 10 && words[0] == any && words[1] == "00")
      add(words[9], number(words[8], 16));
  });
  return found;
}

std::vector<std::string> console_arguments(std::string_view line) {
  constexpr std::string_view key = "console=";
  std::vector<std::string> found;
  for (const auto& word : words_in(line)) {
    if (word == "--") break;
    if (!word.starts_with(key)) continue;
    auto name = word.substr(key.size(), word.find(',') - key.size());
    if (is_kernel_name(name)) found.push_back(std::move(name));
  }
  return found;
}

std::string joined(std::string_view folder, std::string_view target) {
  if (target.empty() || target[0] == '/' || folder.size() + target.size() > max_path) return "";
  std::string path(folder);
  while (!target.empty()) {
    const auto end = std::min(target.find('/'), target.size());
    const auto part = target.substr(0, end);
    target.remove_prefix(std::min(end + 1, target.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      if (!path.empty()) path += '/';
      path += part;
      continue;
    }
    if (path.empty()) return "";
    const auto slash = path.find_last_of('/');
    path.resize(slash == std::string::npos ? 0 : slash);
  }
  return path;
}

}  // namespace cube::insight
