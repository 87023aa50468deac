#include "agent/cli/fleet_page_parts.h"

#include <fmt/format.h>

#include <algorithm>

namespace cube::cli {

PageTable::PageTable(std::initializer_list<std::string_view> columns) : columns_(columns) {
  text_ = "<table class=\"list\"><thead><tr>";
  for (const auto column : columns) text_ += fmt::format("<th scope=\"col\">{}</th>", column);
  text_ += "</tr></thead>\n<tbody>";
}

void PageTable::row(std::initializer_list<std::string> cells) {
  if (++rows_ > max_rows_shown) return;
  text_ += "<tr>";
  auto column = columns_.begin();
  for (const auto& cell : cells) {
    text_ += fmt::format("<td data-column=\"{}\">", *column++);
    text_ += cell.empty() ? "</td>" : "<span>" + cell + "</span></td>";
  }
  text_ += "</tr>\n";
}

std::string PageTable::take() {
  text_ += "</tbody></table>\n";
  if (rows_ > max_rows_shown)
    text_ += page_quiet(fmt::format("and {} more", rows_ - max_rows_shown));
  return std::move(text_);
}

std::string page_section(std::string_view title, const std::string& inside) {
  return fmt::format("<section><h2>{}</h2>\n{}</section>\n", title, inside);
}

std::string page_quiet(const std::string& sentence) {
  return "<p class=\"quiet\">" + sentence + "</p>\n";
}

std::string page_time(UnixSeconds at) {
  const auto text = format_utc(std::clamp<UnixSeconds>(at, 0, last_second));
  return text.substr(0, 10) + " " + text.substr(11, 5) + " UTC";
}

std::string page_duration(Seconds duration) {
  const Seconds minutes = std::max<Seconds>(duration, 0) / 60;
  if (minutes == 0) return "under a minute";
  if (minutes < 60) return fmt::format("{} min", minutes);
  const bool days = minutes >= 24 * 60;
  const auto large = days ? minutes / (24 * 60) : minutes / 60;
  const auto small = days ? minutes / 60 % 24 : minutes % 60;
  std::string text = fmt::format("{} {}", large, days ? "d" : "h");
  return small == 0 ? text : text + fmt::format(" {} {}", small, days ? "h" : "min");
}

std::string_view page_sign(fleet::NodeState state) {
  switch (state) {
    case fleet::NodeState::failed:
      return "&#10005;";  // a cross
    case fleet::NodeState::away:
      return "&#8635;";  // a turning arrow
    case fleet::NodeState::working:
      return "&#9656;";  // a triangle
    case fleet::NodeState::waiting:
      return "&#8943;";  // three dots
    case fleet::NodeState::idle:
      return "&#10003;";  // a tick
    case fleet::NodeState::unknown:
      break;
  }
  return "?";
}

std::string page_state(fleet::NodeState state) {
  return fmt::format("<span class=\"state {0}\"><span class=\"sign\">{1}</span>{0}</span>",
                     to_string(state), page_sign(state));
}

}  // namespace cube::cli
