// Narrator: tells a person, a log or a program how a run goes. On a terminal a bar with amount, rate
// and time left; elsewhere one line per stage; with --json one object per line and a last `result`.
#pragma once

#include <chrono>
#include <string>

#include "agent/updater.h"
#include "base/json.h"

namespace cube {

class Narrator {
 public:
  explicit Narrator(bool json);

  // To be hung into a Run. Both stay valid as long as the Narrator lives.
  [[nodiscard]] ProgressSink progress();
  void step(const Journal& journal, const Step& step);

  // One sentence for people; nothing with --json.
  void say(const std::string& sentence);
  // The last line of a --json run; nothing otherwise.
  void result(Json::Object result);

 private:
  void show(const Progress& progress);
  void draw_bar(const Progress& progress);
  void end_bar();

  bool json_;
  bool terminal_;
  bool bar_open_ = false;
  std::string stage_;
  std::chrono::steady_clock::time_point stage_start_;
  std::chrono::steady_clock::time_point last_draw_;
};

// "done: 3.2 of 6.0 MiB": an amount for people; bytes get binary units.
[[nodiscard]] std::string amount(std::uint64_t value, const std::string& unit);

}  // namespace cube
