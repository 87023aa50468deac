// What a fuzz target promises: a breach ends the program, as a crash does, and names its line.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace cube {

inline void demand(bool holds, int line = __builtin_LINE()) {
  if (holds) return;
  std::fprintf(stderr, "line %d: does not hold\n", line);
  std::abort();
}

}  // namespace cube
