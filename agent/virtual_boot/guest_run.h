// Runs one virtual machine from its start to its end, confined and within limits, and hears what it
// says.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/virtual_boot/guest.h"
#include "base/fd.h"
#include "base/progress.h"
#include "base/result.h"

namespace cube {

// What QEMU gets of this machine, and nothing else.
struct GuestFiles {
  const Fd& disk;       // for reading
  const Fd& overlay;    // for reading and writing
  const Fd& kernel;     // for reading; anybody may
  const Fd& initramfs;  // as the kernel
};

struct GuestLimits {
  std::chrono::seconds time{600};
  std::chrono::seconds first_word{0};        // until the kernel has said its name; 0: as `time`
  std::uint64_t overlay_bytes = 1ULL << 30;  // on the disk of var/tmp
  std::uint64_t address_space = 4ULL << 30;  // bytes, of QEMU and the guest together
  std::optional<gid_t> group;                // further group of QEMU: that of /dev/kvm
};

enum class GuestEnd {
  reached,       // it said that it reached its goal
  ended,         // it restarted, was switched off, or died: the guest ended itself
  time_over,     // it ran as long as it may
  mute,          // no kernel said a word in time
  overlay_full,  // it wrote more than it may
  not_started,   // QEMU did not start, or was ended from outside; `qemu` says why
};

struct GuestRun {
  GuestEnd end = GuestEnd::not_started;
  std::string console;  // at most max_console_bytes; of more, the middle is missing
  std::string qemu;     // the last that QEMU itself said
  std::chrono::milliseconds took{0};
  std::chrono::milliseconds silent{0};  // at the end, since the last word on the console
};

inline constexpr std::size_t max_console_bytes = 512 * 1024;

// `reached` is asked with all that the second serial port and the console have said. When it
// returns, nothing of the machine runs any more. Errors: cancelled, failed.
[[nodiscard]] Result<GuestRun> run_guest(
    const std::vector<std::string>& argv, const GuestFiles& files, const GuestLimits& limits,
    const std::function<bool(std::string_view port, std::string_view console)>& reached,
    const ProgressSink& progress);

}  // namespace cube
