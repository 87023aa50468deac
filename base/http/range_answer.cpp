#include "base/http/range_answer.h"

namespace cube {
namespace {

constexpr std::size_t max_error_page_bytes = 64 * 1024;

constexpr int whole_document = 200;
constexpr int part_of_document = 206;
constexpr int not_satisfiable = 416;

}  // namespace

RangeAnswer::Verdict RangeAnswer::verdict() const {
  if (!head_.ended()) return Verdict::none;
  if (head_.status() == whole_document) return Verdict::ignores_ranges;
  if (head_.status() == not_satisfiable) return Verdict::another_document;
  if (head_.status() != part_of_document) return Verdict::refused;
  const auto& range = head_.range();
  if (!range || range->first != first_ || range->last - range->first >= length_)
    return Verdict::ignores_ranges;
  if (range->total && *range->total != total_) return Verdict::another_document;
  return Verdict::part;
}

bool RangeAnswer::take_head(std::string_view line) {
  return head_.take(line);
}

bool RangeAnswer::take_body(std::string_view bytes) {
  head_.body_begins();
  if (verdict() != Verdict::part) {
    if (verdict() != Verdict::refused) return false;
    error_page_bytes_ += bytes.size();
    return error_page_bytes_ <= max_error_page_bytes;
  }
  if (bytes.size() > length_ - given_) return false;
  given_ += bytes.size();
  taken_ = take_(bytes);
  return static_cast<bool>(taken_);
}

}  // namespace cube
