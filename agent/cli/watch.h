// What a command shows again and again until a signal asks it to end.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace cube::cli {

struct Watch {
  Seconds every = 5;
  bool json = false;
  // What there is to show, whole lines. Errors: invalid ends the watch; any other is told, and it
  // is tried again.
  std::function<Result<std::string>()> look;
};

// On a terminal the text is painted anew after each look, as much of it as there is room for.
// Elsewhere, and with `json`, it is written when it is another than the one before, an error as
// one line (with `json`: as an error event). Returns when StopSignals::asked(), or when nobody
// reads standard output any more. Errors: invalid, of `look`.
Status watch(const Watch& what);

}  // namespace cube::cli
