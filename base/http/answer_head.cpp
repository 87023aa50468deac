#include "base/http/answer_head.h"

#include <algorithm>
#include <charconv>

namespace cube {
namespace {

constexpr std::size_t max_head_bytes = 64 * 1024;
constexpr std::size_t max_tag_bytes = 256;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// The value of that field; nullopt: another field. `name` is in lower case.
std::optional<std::string_view> value_of(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':') return std::nullopt;
  const bool same = std::equal(name.begin(), name.end(), line.begin(),
                               [](char expected, char c) { return expected == lower(c); });
  if (!same) return std::nullopt;
  return trimmed(line.substr(name.size() + 1));
}

// A number at the start of `text`, which is taken off.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest == text.data()) return std::nullopt;
  text = std::string_view(rest, static_cast<std::size_t>(end - rest));
  return number;
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

// "bytes 100-199/200" or "bytes 100-199/*".
std::optional<ContentRange> range_of(std::string_view range) {
  if (!take(range, "bytes ")) return std::nullopt;
  const auto first = take_number(range);
  if (!first || !take(range, "-")) return std::nullopt;
  const auto last = take_number(range);
  if (!last || *last < *first || !take(range, "/")) return std::nullopt;
  if (range == "*") return ContentRange{*first, *last, std::nullopt};
  const auto total = take_number(range);
  if (!total || !range.empty() || *total <= *last) return std::nullopt;
  return ContentRange{*first, *last, total};
}

// A tag that promises the same bytes; "" for a weak one or none. It is sent back in a head.
std::string strong_tag(std::string_view tag) {
  const bool strong =
      tag.size() >= 2 && tag.size() <= max_tag_bytes && tag.front() == '"' && tag.back() == '"' &&
      std::all_of(tag.begin(), tag.end(), [](char c) { return c > ' ' && c < 0x7f; });
  return strong ? std::string(tag) : "";
}

}  // namespace

void AnswerHead::begin(std::string_view line) {
  ended_ = false;
  entity_tag_.clear();
  range_.reset();
  line.remove_prefix(std::min(line.find(' '), line.size()));
  line = trimmed(line);
  const auto status = take_number(line).value_or(0);
  status_ = status <= 999 ? static_cast<int>(status) : 0;
}

bool AnswerHead::take(std::string_view line) {
  if (line.size() > max_head_bytes - bytes_) {
    too_large_ = true;
    return false;
  }
  bytes_ += line.size();
  if (in_body_) return true;  // a trailer
  if (line.starts_with("HTTP/")) {
    begin(line);
  } else if (const auto tag = value_of(line, "etag")) {
    entity_tag_ = strong_tag(*tag);
  } else if (const auto range = value_of(line, "content-range")) {
    range_ = range_of(*range);
  } else if (line.find_first_not_of("\r\n") == std::string_view::npos) {
    ended_ = true;
  }
  return true;
}

}  // namespace cube
