#include "insight/drivers/module_lists.h"

#include <algorithm>

#include "insight/inventory/tree_lists.h"
#include "insight/machine/proc_lists.h"

namespace cube::insight {

// "kernel/drivers/scsi/sd_mod.ko: kernel/drivers/scsi/scsi_mod.ko kernel/..."
std::map<std::string, ModuleFile> module_files(std::string_view list) {
  std::map<std::string, ModuleFile> found;
  while (!list.empty()) {
    const auto end = std::min(list.find('\n'), list.size());
    const auto line = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const auto colon = line.find(':');
    const auto file = line.substr(0, colon);
    auto name = module_name(file);
    if (colon == std::string_view::npos || name.empty() || file.starts_with("/") ||
        file.find("..") != std::string_view::npos)
      continue;
    auto& module = found[std::move(name)];
    module = {std::string(file), {}};
    for (const auto& other : words_in(line.substr(colon + 1)))
      if (auto needed = module_name(other); !needed.empty()) module.needs.insert(std::move(needed));
  }
  return found;
}

std::vector<BuiltInAlias> built_in_aliases(std::string_view modinfo) {
  constexpr std::string_view key = ".alias=";
  constexpr std::size_t max_aliases = 200000;
  std::vector<BuiltInAlias> found;
  while (!modinfo.empty() && found.size() < max_aliases) {
    const auto end = std::min(modinfo.find('\0'), modinfo.size());
    const auto entry = modinfo.substr(0, end);
    modinfo.remove_prefix(std::min(end + 1, modinfo.size()));
    const auto dot = entry.find('.');
    if (dot == 0 || dot == std::string_view::npos || !entry.substr(dot).starts_with(key)) continue;
    found.push_back({normalized(entry.substr(dot + key.size())), normalized(entry.substr(0, dot))});
  }
  return found;
}

std::string normalized(std::string_view alias) {
  std::string text(alias);
  bool bracket = false;
  for (char& c : text) {
    if (c == '[') bracket = true;
    if (c == ']') bracket = false;
    if (c == '-' && !bracket) c = '_';
  }
  return text;
}

// "pci:v00001000d0000005Dsv00001028sd00001F49bc01sc04i00"
std::string of_unknown_maker(std::string_view modalias) {
  const auto kind = modalias.find("bc");
  if (!modalias.starts_with("pci:v") || kind == std::string_view::npos) return "";
  return "pci:v0000FFFFd0000FFFFsv0000FFFFsd0000FFFF" + std::string(modalias.substr(kind));
}

}  // namespace cube::insight
