// What a run of cube-update says with --json, line by line, for whoever started it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/progress.h"

namespace cube {

// Cuts output into lines. One that is longer than the limit is dropped as a whole.
class LineCutter {
 public:
  static constexpr std::size_t max_line = 64 * 1024;
  // The lines that `bytes` end, without their ends.
  std::vector<std::string> add(std::string_view bytes);

 private:
  std::string line_;
  bool too_long_ = false;
};

struct JobEvent {
  enum class Kind { step, progress, result, error };
  Kind kind{};
  std::string phase;  // step, result: of the journal; "" when it does not say
  Progress progress;  // progress
  std::string error;  // result, error: one line; "" with none
  Json result;        // result: the whole object
};

// nullopt: a line that says nothing that counts here.
[[nodiscard]] std::optional<JobEvent> parse_event(std::string_view line);

// A text from outside on one line, without control characters, cut at `longest` bytes.
[[nodiscard]] std::string one_line(std::string text, std::size_t longest = 512);

// Members of an object from outside. What is null, missing or another thing counts as "" or 0.
[[nodiscard]] std::string text_at(const Json& object, const std::string& key);
[[nodiscard]] std::uint64_t number_at(const Json& object, const std::string& key);

}  // namespace cube
