// The exit codes of cube-update, stable: scripts rely on them. docs/operations.md lists them.
#pragma once

#include "base/result.h"

namespace cube {

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_nothing_to_do = 3;
inline constexpr int exit_untrusted = 4;
inline constexpr int exit_unsuitable = 5;
inline constexpr int exit_refused = 6;
inline constexpr int exit_damaged = 7;
inline constexpr int exit_no_space = 8;
inline constexpr int exit_unreachable = 9;
inline constexpr int exit_busy = 10;
inline constexpr int exit_cannot_arm = 11;
inline constexpr int exit_waiting = 12;
inline constexpr int exit_reboot_needed = 20;
inline constexpr int exit_cancelled = 130;  // as if SIGINT had ended the program

[[nodiscard]] constexpr int exit_code(Errc code) {
  switch (code) {
    case Errc::invalid: return exit_usage;
    case Errc::nothing_to_do: return exit_nothing_to_do;
    case Errc::untrusted: return exit_untrusted;
    case Errc::unsuitable: return exit_unsuitable;
    case Errc::refused: return exit_refused;
    case Errc::corrupt: return exit_damaged;
    case Errc::no_space: return exit_no_space;
    case Errc::unreachable: return exit_unreachable;
    case Errc::busy: return exit_busy;
    case Errc::cannot_arm: return exit_cannot_arm;
    case Errc::cancelled: return exit_cancelled;
    case Errc::failed:
    case Errc::not_found:
    case Errc::bug: return exit_failed;
  }
  return exit_failed;
}

}  // namespace cube
