// How far a long step is. Called from the thread that works; must return quickly.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace cube {

struct Progress {
  std::string stage;         // "fetch", "check" (what is there already), "fill", "verify"
  std::uint64_t done = 0;    // in `unit`
  std::uint64_t total = 0;   // 0: not known
  std::string unit = "bytes";  // "bytes" or "objects"
};

using ProgressSink = std::function<void(const Progress&)>;

}  // namespace cube
