// A kernel module's file, whatever is in it: only what is there is read, within the bounds, and the
// values are pieces of the section.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "insight/inventory/module_info.h"
#include "tests/fuzz/demand.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cube;
  using namespace cube::insight;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  std::size_t reads = 0;
  const auto section =
      modinfo_section([&](std::uint64_t at, std::size_t count) -> Result<std::string> {
        demand(++reads <= 4 && count <= max_section_names);
        return at < size ? std::string(bytes.substr(at, count)) : std::string();
      });
  if (!section) return 0;
  demand(section->size() <= size && section->size() <= max_modinfo);
  for (const char* name : {"version", "firmware", ""})
    for (const auto value : modinfo_values(*section, name))
      demand(value.size() < section->size() && value.find('\0') == std::string_view::npos);
  return 0;
}
