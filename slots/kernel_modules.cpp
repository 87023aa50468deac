#include "slots/kernel_modules.h"

#include <algorithm>
#include <cstring>

namespace cube {
namespace {

constexpr std::size_t max_list_bytes = 16 * 1024 * 1024;

std::string kernel_name(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// Lines as "kernel/drivers/scsi/megaraid/megaraid_sas.ko.xz", in modules.dep with ": needs" behind.
void add_names(std::string_view list, std::set<std::string>& names) {
  while (!list.empty()) {
    const auto end = std::min(list.find('\n'), list.size());
    auto line = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    line = line.substr(0, line.find(':'));
    line = line.substr(line.find_last_of('/') + 1);
    const auto extension = line.find(".ko");
    if (extension != std::string_view::npos)
      names.insert(kernel_name(std::string(line.substr(0, extension))));
  }
}

// Numbers in names compare as numbers: 6.1.0-9 is older than 6.1.0-42.
bool older(const std::string& left, const std::string& right) {
  return ::strverscmp(left.c_str(), right.c_str()) < 0;
}

}  // namespace

bool KernelModules::has(std::string name) const {
  return modules.count(kernel_name(std::move(name))) != 0;
}

Result<KernelModules> kernel_modules(const RootDir& tree) {
  KernelModules found;
  const auto releases = tree.list("lib/modules", 1000);
  if (!releases && releases.error().code == Errc::not_found) return found;
  if (!releases) return Error(releases.error());
  if (releases->empty()) return found;
  found.release = *std::max_element(releases->begin(), releases->end(), older);
  for (const std::string list : {"modules.dep", "modules.order", "modules.builtin"}) {
    const auto text = tree.read_file("lib/modules/" + found.release + "/" + list, max_list_bytes);
    if (text)
      add_names(*text, found.modules);
    else if (text.error().code != Errc::not_found)
      return Error(text.error());
  }
  return found;
}

}  // namespace cube
