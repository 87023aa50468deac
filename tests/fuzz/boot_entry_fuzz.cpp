// Names and texts of boot loader entries, and loader.conf, from anybody: no crash, what is accepted
// is what we would write, and a changed default is read back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "boot/efi/efi_variables.h"
#include "boot/systemd_boot/boot_entry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto entry = cube::parse_entry(bytes)) {
    const auto again = cube::render_entry(*entry);
    if (!again || *again != bytes) std::abort();
  }
  if (const auto name = cube::parse_entry_name(bytes)) {
    const auto again = cube::parse_entry_name(cube::entry_id(*name));
    if (!again || *again != *name) std::abort();
  }
  for (const auto slot : {cube::SlotId::a, cube::SlotId::b}) {
    const auto named = cube::default_of(cube::with_default(bytes, slot));
    if (!named || *named != slot) std::abort();
  }
  if (const auto text = cube::decode_efi_text(bytes))
    if (!cube::encode_efi_text(*text)) std::abort();
  return 0;
}
