// The arguments that the boot loader gave the running kernel, as far as cube-update knows them.
// A foreign text: bounded, everything unknown is ignored. Pure but for read_cmdline().
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/root_dir.h"
#include "model/slot_id.h"

namespace cube {

struct Cmdline {
  std::optional<SlotId> slot;  // cube.slot=
  bool trial = false;          // cube.trial=1
  bool virtual_boot = false;   // cube.virtual=: in a virtual machine, to see whether it comes up
  std::string canary;          // cube.canary=: 16 lower-case hex digits, or ""
};

inline constexpr std::size_t max_cmdline_bytes = 64 * 1024;

// The last value wins, as in the kernel.
[[nodiscard]] Cmdline parse_cmdline(std::string_view text);
// proc/cmdline below the root. Errors: not_found, corrupt (too long), failed.
[[nodiscard]] Result<Cmdline> read_cmdline(const RootDir& root);
// What records say that were written in this boot: the first 16 hex digits of the boot id.
// Errors: not_found, failed.
[[nodiscard]] Result<std::string> canary_of_this_boot(const RootDir& root);
// 16 lower-case hex digits.
[[nodiscard]] bool is_canary(std::string_view text);

}  // namespace cube
