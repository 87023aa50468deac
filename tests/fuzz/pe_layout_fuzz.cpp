// EFI programs from anybody: what a signature covers lies in the file, in its order, and once.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "boot/efi/load_option.h"
#include "boot/efi/pe_layout.h"
#include "tests/fuzz/demand.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cube::demand;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto file = cube::file_of_path(bytes);
  demand(file.size() <= size && file.find('\\') == std::string::npos);
  const auto layout = cube::pe_layout(bytes, size);
  if (!layout) return 0;
  std::uint64_t end = 0;
  for (const auto& range : layout->covered) {
    demand(range.offset >= end && range.size <= size - range.offset);
    end = range.offset + range.size;
  }
  const auto& certificates = layout->certificates;
  demand(certificates.size == 0 || certificates.offset >= end);
  for (const auto& section : layout->sections)
    demand(section.size == 0 || section.offset + section.size <= size);
  return 0;
}
