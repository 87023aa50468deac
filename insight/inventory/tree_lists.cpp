#include "insight/inventory/tree_lists.h"

#include <algorithm>
#include <vector>

#include "base/digest.h"
#include "insight/lines.h"

namespace cube::insight {
namespace {

// What is behind `key` when the line begins with it.
bool value_of(std::string_view line, std::string_view key, std::string& value) {
  if (!line.starts_with(key)) return false;
  value = trimmed(line.substr(key.size()));
  return true;
}

struct Stanza {
  std::string package, status, version, architecture;

  [[nodiscard]] bool installed() const {
    return !package.empty() && !version.empty() && !status.ends_with(" not-installed") &&
           !status.ends_with(" config-files");
  }
};

Names words_of(std::string_view text) {
  Names words;
  while (!(text = trimmed(text)).empty()) {
    const auto end = std::min(text.find(' '), text.size());
    words.emplace(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

}  // namespace

void add_version(Entries& packages, const std::string& name, const std::string& version) {
  auto& versions = packages[name];
  if (versions.size() > max_text) return;  // no more of it is kept
  auto all = words_of(versions);
  all.insert(version);
  versions.clear();
  for (const auto& one : all) versions += (versions.empty() ? "" : " ") + one;
}

Entries dpkg_packages(std::string_view status) {
  Entries packages;
  Stanza stanza;
  const auto finish = [&] {
    if (stanza.installed())
      add_version(packages, stanza.package + ":" + stanza.architecture, stanza.version);
    stanza = {};
  };
  each_line(status, [&](std::string_view line) {
    if (line.empty()) return finish();
    static_cast<void>(value_of(line, "Package:", stanza.package) ||
                      value_of(line, "Status:", stanza.status) ||
                      value_of(line, "Version:", stanza.version) ||
                      value_of(line, "Architecture:", stanza.architecture));
  });
  finish();
  return packages;
}

Entries kernel_options(std::string_view config) {
  Entries options;
  each_line(config, [&](std::string_view line) {
    const auto equals = line.find('=');
    if (!line.starts_with("CONFIG_") || equals == std::string_view::npos) return;
    options.insert_or_assign(std::string(line.substr(0, equals)),
                             std::string(trimmed(line.substr(equals + 1))));
  });
  return options;
}

Names built_in_modules(std::string_view list) {
  Names names;
  each_line(list, [&](std::string_view line) {
    if (auto name = module_name(trimmed(line)); !name.empty()) names.insert(std::move(name));
  });
  return names;
}

Entries module_aliases(std::string_view list) {
  std::map<std::string, std::vector<std::string_view>> found;
  each_line(list, [&](std::string_view line) {
    const auto space = line.find_last_of(' ');
    if (!line.starts_with("alias ") || space < 7 || space == std::string_view::npos) return;
    auto name = module_name(std::string(line.substr(space + 1)) + ".ko");
    found[std::move(name)].push_back(line.substr(6, space - 6));
  });
  Entries aliases;
  for (auto& [name, patterns] : found) {
    std::sort(patterns.begin(), patterns.end());
    patterns.erase(std::unique(patterns.begin(), patterns.end()), patterns.end());
    std::string text;
    for (const auto pattern : patterns) (text += pattern) += '\n';
    aliases[name] = std::to_string(patterns.size()) + " " + short_digest(text);
  }
  return aliases;
}

Entries grub_arguments(std::string_view settings) {
  Entries arguments;
  each_line(settings, [&](std::string_view line) {
    for (const std::string name : {"GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"}) {
      std::string value;
      if (!value_of(trimmed(line), name + "=", value)) continue;
      const bool quoted = value.size() > 1 && (value[0] == '"' || value[0] == '\'') &&
                          value.back() == value.front();
      arguments[name] = quoted ? value.substr(1, value.size() - 2) : value;
    }
  });
  return arguments;
}

std::string_view without_compression(std::string_view path) {
  for (const std::string_view extension : {".xz", ".zst", ".gz"})
    if (path.ends_with(extension)) return path.substr(0, path.size() - extension.size());
  return path;
}

std::string_view module_file(std::string_view path) {
  path = without_compression(path);
  return path.ends_with(".ko") ? path : "";
}

std::string module_name(std::string_view path) {
  path = module_file(path);
  if (path.empty()) return "";
  path.remove_suffix(3);
  std::string name(path.substr(path.find_last_of('/') + 1));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string short_digest(std::string_view bytes) {
  return to_hex(sha256(bytes)).substr(0, 16);
}

}  // namespace cube::insight
