// A slot's boot option as a value: what the firmware starts, with which arguments, and of a trial
// its count. One variable holds it all, so one write changes it all. docs/boot-environment.md.
// Pure; the bytes are foreign.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "boot/efi/load_option.h"
#include "model/slot_id.h"

namespace cube {

// As it was armed. The firmware counts nothing: that it was started shows in BootNext.
struct TryCount {
  int left = 0;  // 1..9
  int done = 0;  // 0..9

  friend bool operator==(const TryCount&, const TryCount&) = default;
};

struct SlotEntry {
  SlotId slot{};
  std::optional<TryCount> trial;  // nullopt: a fallback's
  std::uint32_t serial = 0;       // of two trials' entries the higher counts
  std::uint32_t kernel = 0;       // which copy: cube/kernels/SLOT-KERNEL on the partition
  std::string canary;             // 16 hex digits
  std::string arguments;          // further ones for the kernel, up to max_arguments

  friend bool operator==(const SlotEntry&, const SlotEntry&) = default;
};

// The value of its variable. Errors: invalid (arguments).
[[nodiscard]] Result<std::string> render_slot_entry(const SlotEntry& entry,
                                                    const GptPartition& partition);
// Exactly what render_slot_entry() writes for this partition. Errors: corrupt.
[[nodiscard]] Result<SlotEntry> parse_slot_entry(std::string_view value,
                                                 const GptPartition& partition);
// What a unified kernel image of the same slot gives its kernel; the canary comes last.
[[nodiscard]] std::string unified_arguments(const SlotEntry& entry);
// Named "cube-...", whatever else is in it.
[[nodiscard]] bool is_named_as_ours(std::string_view value);
// Names Boot0000 to BootFFFF in the firmware's spelling.
[[nodiscard]] std::string option_name(std::uint16_t number);
[[nodiscard]] std::optional<std::uint16_t> parse_option_name(std::string_view name);

}  // namespace cube
