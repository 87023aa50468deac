// Lists of /proc and /sys and of a kernel's modules, whatever is in them: names are names, and
// paths stay inside.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "insight/drivers/module_lists.h"
#include "insight/machine/proc_lists.h"
#include "tests/fuzz/demand.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cube::insight;
  using cube::demand;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  for (const auto& [name, module] : loaded_modules(text)) {
    demand(is_kernel_name(name));
    for (const auto& other : module.above) demand(is_kernel_name(other));
  }
  const auto mount = root_mount(text);
  demand(mount.device.empty() == mount.filesystem.empty());
  for (const auto& name : default_interfaces(text, text)) demand(is_kernel_name(name));
  for (const auto& name : console_arguments(text)) demand(is_kernel_name(name));

  const auto middle = std::min(text.find('\n'), size);
  const auto folder = joined("", text.substr(0, middle));
  const auto path = joined(folder, text.substr(middle));
  demand(path.empty() || path[0] != '/');
  for (std::string_view rest = path; !rest.empty();) {
    const auto end = std::min(rest.find('/'), rest.size());
    demand(end != 0 && rest.substr(0, end) != ".." && rest.substr(0, end) != ".");
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }

  for (const auto& [name, module] : module_files(text))
    demand(!name.empty() && !module.file.empty());
  for (const auto& one : built_in_aliases(text)) {
    demand(!one.module.empty());
    demand(normalized(one.pattern) == one.pattern);
  }
  const auto other = of_unknown_maker(text);
  demand(other.empty() || of_unknown_maker(other) == other);
  Device device;
  device.path = text;
  const auto address = device.pci_address();
  demand(address.empty() || device.path.find(address) != std::string::npos);
  return 0;
}
