#include "base/http/answer.h"

#include <algorithm>
#include <charconv>

namespace cube {
namespace {

constexpr std::size_t max_head_bytes = 64 * 1024;
constexpr std::size_t max_error_page_bytes = 64 * 1024;
constexpr std::size_t max_tag_bytes = 256;

constexpr int whole_document = 200;
constexpr int part_of_document = 206;

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

struct Part {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> total;
};

// "bytes 100-199/200" or "bytes 100-199/*".
std::optional<Part> part_of(std::string_view range) {
  if (!take(range, "bytes ")) return std::nullopt;
  const auto first = take_number(range);
  if (!first || !take(range, "-")) return std::nullopt;
  const auto last = take_number(range);
  if (!last || *last < *first || !take(range, "/")) return std::nullopt;
  if (range == "*") return Part{*first, std::nullopt};
  const auto total = take_number(range);
  if (!total || !range.empty() || *total <= *last) return std::nullopt;
  return Part{*first, total};
}

// A tag that promises the same bytes; "" for a weak one or none. It is sent back in a head.
std::string strong_tag(std::string_view tag) {
  const bool strong =
      tag.size() >= 2 && tag.size() <= max_tag_bytes && tag.front() == '"' && tag.back() == '"' &&
      std::all_of(tag.begin(), tag.end(), [](char c) { return c > ' ' && c < 0x7f; });
  return strong ? std::string(tag) : "";
}

}  // namespace

void Answer::begin_head(std::string_view line) {
  head_ended_ = false;
  entity_tag_.clear();
  first_byte_.reset();
  total_.reset();
  line.remove_prefix(std::min(line.find(' '), line.size()));
  line = trimmed(line);
  const auto status = take_number(line).value_or(0);
  status_ = status <= 999 ? static_cast<int>(status) : 0;
}

void Answer::end_head() {
  head_ended_ = true;
  if (status_ != part_of_document) total_.reset();
  if (status_ == whole_document) document_ = {"", entity_tag_};
}

bool Answer::take_head(std::string_view line) {
  if (line.size() > max_head_bytes - head_bytes_) {
    too_large_ = true;
    return false;
  }
  head_bytes_ += line.size();
  if (in_body_) return true;  // a trailer
  if (line.starts_with("HTTP/")) {
    begin_head(line);
  } else if (const auto tag = value_of(line, "etag")) {
    entity_tag_ = strong_tag(*tag);
  } else if (const auto range = value_of(line, "content-range")) {
    const auto part = part_of(*range);
    first_byte_ = part ? std::optional(part->first) : std::nullopt;
    total_ = part ? part->total : std::nullopt;
  } else if (line.find_first_not_of("\r\n") == std::string_view::npos) {
    end_head();
  }
  return true;
}

bool Answer::is_document() const {
  if (!head_ended_) return false;
  if (status_ == whole_document) return true;
  return status_ == part_of_document && asked_from_ > 0 && first_byte_ == asked_from_ &&
         (entity_tag_.empty() || entity_tag_ == document_.entity_tag);
}

bool Answer::take_body(std::string_view bytes) {
  in_body_ = true;
  if (!is_document()) {
    error_page_bytes_ += bytes.size();
    return error_page_bytes_ <= max_error_page_bytes;
  }
  if (bytes.size() > max_bytes_ - document_.bytes.size()) {
    too_large_ = true;
    return false;
  }
  document_.bytes.append(bytes);
  return true;
}

void Answer::give_up() {
  const bool refused = head_ended_ && status_ >= 200 && status_ < 500 && !is_document();
  if (refused || too_large_ || !document_.can_be_continued()) document_ = {};
}

}  // namespace cube
