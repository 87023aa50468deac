#include "base/http/answer.h"

namespace cube {
namespace {

constexpr std::size_t max_error_page_bytes = 64 * 1024;

constexpr int whole_document = 200;
constexpr int part_of_document = 206;

}  // namespace

bool Answer::take_head(std::string_view line) {
  if (!head_.take(line)) {
    too_large_ = true;
    return false;
  }
  if (!in_body_ && head_.ended() && head_.status() == whole_document)
    document_ = {"", head_.entity_tag()};
  return true;
}

bool Answer::is_document() const {
  if (!head_.ended()) return false;
  if (head_.status() == whole_document) return true;
  const auto& range = head_.range();
  return head_.status() == part_of_document && asked_from_ > 0 && range &&
         range->first == asked_from_ &&
         (head_.entity_tag().empty() || head_.entity_tag() == document_.entity_tag);
}

bool Answer::complete() const {
  if (head_.status() != part_of_document) return true;
  const auto& range = head_.range();
  return !range || !range->total || *range->total == document_.bytes.size();
}

bool Answer::take_body(std::string_view bytes) {
  in_body_ = true;
  head_.body_begins();
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
  const bool refused =
      head_.ended() && head_.status() >= 200 && head_.status() < 500 && !is_document();
  if (refused || too_large_ || !document_.can_be_continued()) document_ = {};
}

}  // namespace cube
