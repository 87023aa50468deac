#include "base/log.h"

#include <unistd.h>

#include <cstdio>
#include <string>

namespace cube {

void log(Level level, std::string_view line) {
  std::string text;
  if (::isatty(STDERR_FILENO) == 0 && ::getenv("JOURNAL_STREAM") != nullptr) {
    text.push_back('<');
    text += std::to_string(static_cast<int>(level));
    text.push_back('>');
  } else if (level <= Level::warning) {
    text = "cube-update: ";
  }
  for (const char c : line) text.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  text.push_back('\n');
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace cube
