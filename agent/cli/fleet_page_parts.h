// The parts of fleet_page(), each a piece of HTML. For it alone.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "agent/cli/fleet_page.h"
#include "agent/fleet/node_state.h"

namespace cube::cli {

// The page's only style sheet.
[[nodiscard]] std::string_view page_style();

// A table with a head: each cell knows its column's name, so that it can stand alone where the page
// is narrow.
class PageTable {
 public:
  // Names of columns are the program's own words.
  explicit PageTable(std::initializer_list<std::string_view> columns);
  // As many pieces of HTML as there are columns. Beyond max_rows_shown they are only counted.
  void row(std::initializer_list<std::string> cells);
  [[nodiscard]] std::string take();

 private:
  std::vector<std::string_view> columns_;
  std::string text_;
  std::size_t rows_ = 0;
};

[[nodiscard]] std::string page_section(std::string_view title, const std::string& inside);
// A paragraph of the program's own words.
[[nodiscard]] std::string page_quiet(const std::string& sentence);
// "2026-11-28 09:30 UTC".
[[nodiscard]] std::string page_time(UnixSeconds at);
// "under a minute", "42 min", "3 h 5 min", "2 d 4 h"; less than 0 counts as 0.
[[nodiscard]] std::string page_duration(Seconds duration);
// The sign and the word of a state: neither needs its colour.
[[nodiscard]] std::string page_state(fleet::NodeState state);
[[nodiscard]] std::string_view page_sign(fleet::NodeState state);

using States = std::vector<fleet::NodeInState>;

// Failure domains and states, how many machines, and each of them.
[[nodiscard]] std::string machines_part(const States& states);
// What the machines say that want attention.
[[nodiscard]] std::string attention_part(const States& states);
[[nodiscard]] std::string releases_part(const States& states);
// The plan's rollouts with their ramps.
[[nodiscard]] std::string rollouts_part(const FleetPage& page);
// Failures by what they died of, and by hardware.
[[nodiscard]] std::string failures_part(const fleet::GateFacts& gate);

}  // namespace cube::cli
