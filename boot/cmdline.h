// What the boot loader told the running kernel: the cube.* arguments of /proc/cmdline.
//
// Guarantees: reads at most 8192 bytes; never fails on odd text, an argument that is absent,
// malformed or given twice with different values counts as not given. Arguments are separated as
// the kernel does it (white space, except inside double quotes); "--" ends them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/root_dir.h"
#include "model/slot_id.h"

namespace cube {

struct Cmdline {
  std::optional<SlotId> slot;  // cube.slot=a|b
  bool trial = false;          // cube.trial=1
  std::string canary;          // cube.canary=16 lower-case hex digits; "" when not given

  friend bool operator==(const Cmdline&, const Cmdline&) = default;
};

inline constexpr std::size_t max_cmdline_bytes = 8192;

// Text beyond max_cmdline_bytes is ignored.
[[nodiscard]] Cmdline parse_cmdline(std::string_view text);

// Of the running kernel: `path` below the root. Errors: not_found, corrupt (too long), failed.
[[nodiscard]] Result<Cmdline> read_cmdline(const RootDir& root,
                                           const std::string& path = "proc/cmdline");

// True for exactly 16 lower-case hex digits.
[[nodiscard]] bool is_canary(std::string_view text);

}  // namespace cube
