// Narrator: tells a person, a log or a program how a run goes. On a terminal a bar with amount,
// rate and time left; elsewhere one line per stage with amount and duration; with --json one object
// per line, a few a second, and a last `result`. That nobody reads any more (a closed pipe, a
// terminal that is gone) stops nothing.
#pragma once

#include <functional>
#include <string>

#include "agent/cli/pace.h"
#include "agent/updater.h"
#include "base/json.h"

namespace cube {

// Where a Narrator speaks; a test brings its own time.
struct Outlet {
  bool json = false;
  bool terminal = false;
  std::function<void(const std::string&)> write;  // whole lines, or a bar that begins with \r
  std::function<Pace::Time()> now;

  static Outlet standard_output(bool json);
};

class Narrator {
 public:
  explicit Narrator(bool json) : Narrator(Outlet::standard_output(json)) {}
  explicit Narrator(Outlet outlet) : out_(std::move(outlet)) {}

  // To be hung into a Run. Both stay valid as long as the Narrator lives.
  [[nodiscard]] ProgressSink progress();
  // The same, for a run that stops once `stop` is true.
  [[nodiscard]] ProgressSink progress(const std::atomic<bool>& stop);
  void step(const Journal& journal, const Step& step);

  // One sentence for people; nothing with --json.
  void say(const std::string& sentence);
  // The last line of a --json run; nothing otherwise.
  void result(Json::Object result);

 private:
  void show(const Progress& progress);
  void begin_stage(const Progress& progress, Pace::Time now);
  void end_stage();
  void write_json(const Progress& progress);
  void draw_bar(const Progress& progress);
  void close_bar();

  Outlet out_;
  bool bar_open_ = false;
  bool stage_open_ = false;  // begun, and its end not told
  Progress last_;            // of the stage
  Pace pace_;
  Pace::Time last_told_;
};

// "12.0 KiB", "3.2 MiB", "17 objects": an amount for people.
[[nodiscard]] std::string amount(std::uint64_t value, const std::string& unit);

}  // namespace cube
