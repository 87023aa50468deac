// KernelLog: the lines of a log, freed of what machines put around them: terminal sequences, the
// kernel's level and time, the prefixes of syslog, journald, pstore and terminal servers.
//
// Guarantees: a foreign byte costs constant work; a line is at most max_line_read bytes (the rest
// of it is skipped) and printable ASCII (anything else is '?').
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cube {

inline constexpr std::size_t max_line_read = 4096;

struct LogLine {
  std::string text;            // never empty
  std::optional<double> time;  // the kernel's clock, seconds since its start
};

class KernelLog {
 public:
  // `log` outlives it.
  explicit KernelLog(std::string_view log) : log_(log) {}

  // False at the end. Empty lines are left out.
  bool next(LogLine& line);

 private:
  std::size_t skip_escape();
  void read_raw(std::string& raw);

  std::string_view log_;
  std::size_t at_ = 0;
};

}  // namespace cube
