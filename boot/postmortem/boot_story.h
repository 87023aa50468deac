// BootStory: one boot as its log tells it, line by line. Facts only; judge() draws the conclusion.
// Memory is bounded: of each sign the first and the last line.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "boot/postmortem/kernel_log.h"
#include "boot/postmortem/signs.h"
#include "boot/postmortem/storage_facts.h"

namespace cube {

struct Sighting {
  std::size_t count = 0;
  std::size_t first = 0;  // number of the line in the boot, from 1
  std::size_t last = 0;
  std::string text;  // the first line
};

class BootStory {
 public:
  void read(const LogLine& line);

  [[nodiscard]] const Sighting& seen(Sign sign) const {
    return sightings_[static_cast<std::size_t>(sign)];
  }
  [[nodiscard]] bool has(Sign sign) const { return seen(sign).count > 0; }
  [[nodiscard]] bool has_any(std::initializer_list<Sign> signs) const;
  // Of a start that went wrong: and nothing was mounted later than it was said last.
  [[nodiscard]] bool unresolved(Sign sign) const;
  // The root's own init had started, as far as one can see.
  [[nodiscard]] bool real_init() const { return real_init_at_ > 0; }
  [[nodiscard]] bool kernel_spoke() const { return kernel_spoke_; }
  [[nodiscard]] std::size_t lines() const { return lines_; }

  StorageFacts storage;
  bool trial = false;
  bool next_boot_begins = false;  // in the same log
  std::string kernel;
  std::string root;         // of the command line
  std::string device_told;  // by whoever looked for it
  std::string filesystem;
  std::string panic;
  std::string refused_module;  // the first one of storage or a file system, else the first one
  std::string absent_module;
  std::string oops_module;
  std::string last_line;
  std::string reached;  // the furthest stage that a mark tells of
  std::optional<double> last_time;
  std::vector<std::string> trace;

 private:
  void note(Sign sign, std::string_view pattern, const std::string& text);
  void read_facts(const std::string& text);
  void read_modules(const std::string& text);
  void read_trace(const std::string& text);
  void read_progress(const std::string& text);
  void read_marks(const std::string& text);

  std::array<Sighting, sign_count> sightings_;
  std::size_t lines_ = 0;
  std::size_t real_init_at_ = 0;
  std::size_t mounted_at_ = 0;
  bool kernel_spoke_ = false;
  bool dying_ = false;
  bool in_trace_ = false;
};

}  // namespace cube
