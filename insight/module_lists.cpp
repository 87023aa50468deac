#include "insight/module_lists.h"

#include <algorithm>

namespace cube::insight {

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
