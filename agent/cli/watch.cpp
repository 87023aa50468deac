#include "agent/cli/watch.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "agent/cli/exit_code.h"
#include "agent/cli/render.h"
#include "agent/cli/stop_signals.h"
#include "base/json.h"

namespace cube::cli {
namespace {

// Of terminals (ECMA-48): to the first line, clear to the line's end, clear what is below.
constexpr const char *home = "\x1b[H", *end_of_line = "\x1b[K", *below = "\x1b[J";

// False: nobody reads it.
bool write(const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
         std::fflush(stdout) == 0;
}

struct Room {
  std::size_t lines = 24, columns = 80;
};

Room room() {
  struct winsize size {};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 3 || size.ws_col == 0)
    return {};
  return {size.ws_row, size.ws_col};
}

// The lines that fit, with one to spare: the screen must not roll.
std::string painted(const std::string& text) {
  const auto [lines, columns] = room();
  std::string out = home;
  std::size_t at = 0, line = 0;
  for (; at < text.size() && line + 2 < lines; ++line) {
    const auto end = std::min(text.find('\n', at), text.size());
    out += text.substr(at, std::min(end - at, columns)) + end_of_line + "\n";
    at = end + 1;
  }
  if (at < text.size()) out += std::string("... more than there is room for") + end_of_line + "\n";
  return out + below;
}

std::string told(const Error& error, const Watch& what) {
  if (what.json)
    return Json(Json::Object{{"event", "error"},
                             {"error", error.what},
                             {"exit_code", exit_code(error.code)}})
               .line() +
           "\n";
  return fmt::format("UNKNOWN   {}; tried again every {} s\n", printable(error.what), what.every);
}

void pause(Seconds time) {
  using std::chrono::steady_clock;
  const auto end = steady_clock::now() + std::chrono::seconds(time);
  while (!StopSignals::asked() && steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
}

}  // namespace

Status watch(const Watch& what) {
  const StopSignals signals;
  const bool terminal = !what.json && ::isatty(STDOUT_FILENO) == 1;
  std::string last, seen;  // what was written last; what was to be seen last, on a terminal
  while (!StopSignals::asked()) {
    auto look = what.look();
    if (StopSignals::asked()) break;
    if (!look && look.error().code == Errc::invalid) return std::move(look).error();
    std::string text = look ? *look : told(look.error(), what);
    if (terminal) {
      if (look)
        seen = text;
      else
        text += seen;
      if (!write(painted(text))) break;
    } else if (text != last) {
      if (!write(text)) break;
      last = std::move(text);
    }
    pause(what.every);
  }
  return ok();
}

}  // namespace cube::cli
