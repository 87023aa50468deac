// The exit codes of cube-release: those of cube-update that can happen to a publisher. Stable.
#pragma once

#include "base/result.h"

namespace cube::publish_cli {

inline constexpr int exit_done = 0;
inline constexpr int exit_usage = 2;
inline constexpr int exit_refused = 6;

[[nodiscard]] constexpr int exit_code(Errc code) {
  switch (code) {
    case Errc::invalid:
      return exit_usage;
    case Errc::nothing_to_do:
      return 3;
    case Errc::untrusted:
      return 4;
    case Errc::unsuitable:
      return 5;
    case Errc::refused:
      return exit_refused;
    case Errc::corrupt:
      return 7;
    case Errc::no_space:
      return 8;
    case Errc::unreachable:
      return 9;
    case Errc::busy:
      return 10;
    case Errc::failed:
    case Errc::cannot_arm:
    case Errc::not_found:
    case Errc::cancelled:
    case Errc::bug:
      return 1;
  }
  return 1;
}

}  // namespace cube::publish_cli
