// Boot options of the firmware, programs for it, and mountinfo, from anybody: no crash, and what is
// accepted is what we would write.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "boot/efi/mounted_partition.h"
#include "boot/efi/unified_kernel.h"
#include "boot/uefi/slot_entry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // That of the corpus.
  cube::GptPartition partition{2, 2048, 98304, {}};
  for (std::size_t i = 0; i < partition.guid.size(); ++i)
    partition.guid[i] = static_cast<char>(i + 1);
  if (const auto option = cube::parse_load_option(bytes)) {
    const auto again = cube::render_load_option(*option);
    if (!again) std::abort();
    if (option->description.find('?') == std::string::npos && *again != bytes) std::abort();
  }
  if (const auto entry = cube::parse_slot_entry(bytes, partition)) {
    const auto again = cube::render_slot_entry(*entry, partition);
    if (!again || *again != bytes || !cube::is_named_as_ours(bytes)) std::abort();
  }
  if (const auto number = cube::parse_option_name(bytes))
    if (cube::option_name(*number) != bytes) std::abort();
  if (const auto made = cube::extend_stub(bytes, {{".cmdline", 5}, {".linux", 7}})) {
    const auto before = cube::pe_sections(bytes), after = cube::pe_sections(made->begin);
    if (!before || !after || after->size() != before->size() + 2) std::abort();
    if (after->back().offset + after->back().size > made->size) std::abort();
  }
  const auto device = cube::device_mounted_at(bytes, "/boot/efi");
  if (device.find('/') != std::string::npos) std::abort();
  return 0;
}
