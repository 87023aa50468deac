// Boot loader entries of systemd-boot as values: their file names with the try counter, their text,
// and the `default` of loader.conf. docs/boot-environment.md. Pure; all input is foreign.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "boot/efi/entry_text.h"
#include "model/slot_id.h"

namespace cube {

// cube-a.conf (no counter) or cube-b+LEFT.conf or cube-b+LEFT-DONE.conf, in lower case.
struct EntryName {
  SlotId slot{};
  std::optional<int> left;  // 0..9; nullopt: no counter
  int done = 0;             // 0..9; more count as 9

  friend bool operator==(const EntryName&, const EntryName&) = default;
};
// nullopt: none of our names. A counter that systemd-boot would not write is not taken for one.
[[nodiscard]] std::optional<EntryName> parse_entry_name(std::string_view id);
[[nodiscard]] std::string entry_id(const EntryName& name);

inline constexpr std::size_t entry_bytes = 512;

// The text of an entry: always 512 bytes, so that a change is one sector. `linux` comes last: an
// entry cut short has none, and systemd-boot passes it over.
struct BootEntry {
  SlotId slot{};
  bool trial = false;
  std::uint32_t serial = 0;  // the newest is the first among equals in systemd-boot's own order
  std::uint32_t kernel = 0;  // which copy: cube/kernels/SLOT-KERNEL on the ESP
  std::string canary;        // 16 hex digits
  std::string arguments;     // further ones for the kernel, up to 128 bytes of printable ASCII

  friend bool operator==(const BootEntry&, const BootEntry&) = default;
};
// Errors: invalid (arguments too long, with other characters, or that begin with "cube.").
[[nodiscard]] Result<std::string> render_entry(const BootEntry& entry);
// Exactly what render_entry() writes. Errors: corrupt.
[[nodiscard]] Result<BootEntry> parse_entry(std::string_view bytes);

// The slot that loader.conf names as `default`. Errors: corrupt (none, twice, another name).
[[nodiscard]] Result<SlotId> default_of(std::string_view loader_conf);
// The same text, naming `slot`: one byte is changed where it named one of ours, otherwise lines
// named `default` are dropped and one is put first.
[[nodiscard]] std::string with_default(std::string_view loader_conf, SlotId slot);

}  // namespace cube
