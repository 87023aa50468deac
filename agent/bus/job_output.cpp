#include "agent/bus/job_output.h"

#include <algorithm>

namespace cube {
std::string text_at(const Json& object, const std::string& key) {
  const auto text = object.string_at(key);
  return text ? one_line(*text) : "";
}

std::uint64_t number_at(const Json& object, const std::string& key) {
  const auto number = object.unsigned_at(key);
  return number ? *number : 0;
}

std::vector<std::string> LineCutter::add(std::string_view bytes) {
  std::vector<std::string> lines;
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto part = bytes.substr(0, end);
    if (part.size() > max_line - std::min(line_.size(), max_line)) too_long_ = true;
    if (!too_long_) line_ += part;
    if (end == std::string_view::npos) break;
    if (!too_long_) lines.push_back(std::move(line_));
    line_.clear();
    too_long_ = false;
    bytes.remove_prefix(end + 1);
  }
  if (too_long_) line_.clear();
  return lines;
}

std::optional<JobEvent> parse_event(std::string_view line) {
  auto parsed = Json::parse(line);
  if (!parsed || !parsed->object()) return std::nullopt;
  const Json& object = *parsed;
  JobEvent event;
  const std::string kind = object.has("event") ? text_at(object, "event") : "result";
  event.phase = text_at(object, "phase");
  event.error = text_at(object, "error");
  if (kind == "step") {
    event.kind = JobEvent::Kind::step;
  } else if (kind == "progress") {
    event.kind = JobEvent::Kind::progress;
    event.progress = {text_at(object, "stage"), number_at(object, "done"),
                      number_at(object, "total"), text_at(object, "unit")};
  } else if (kind == "error") {
    event.kind = JobEvent::Kind::error;
  } else if (kind == "result" || kind == "status") {
    event.kind = JobEvent::Kind::result;
    event.result = std::move(*parsed);
  } else {
    return std::nullopt;
  }
  return event;
}

std::string one_line(std::string text, std::size_t longest) {
  if (text.size() > longest) {
    text.resize(longest);
    // Not inside a character: the bytes after its first begin with the bits 10.
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80)
      text.pop_back();
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xc0) text.pop_back();
  }
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return text;
}

}  // namespace cube
