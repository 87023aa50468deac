// One line per event to standard error, with the syslog priority prefix that journald understands
// when standard error is not a terminal. Used by the loop and by main; libraries return errors, and
// log only what they got over.
#pragma once

#include <string_view>

namespace cube {

enum class Level { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

void log(Level level, std::string_view line);

}  // namespace cube
