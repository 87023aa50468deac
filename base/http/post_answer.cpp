#include "base/http/post_answer.h"

namespace cube {
namespace {

constexpr std::size_t max_error_bytes = 64 * 1024;

}  // namespace

bool PostAnswer::take_head(std::string_view line) {
  if (head_.take(line)) return true;
  too_large_ = true;
  return false;
}

bool PostAnswer::take_body(std::string_view bytes) {
  head_.body_begins();
  if (!is_error()) {
    too_large_ = bytes.size() > max_bytes_ - body_.size();
    if (!too_large_) body_.append(bytes);
    return !too_large_;
  }
  const auto kept = bytes.substr(0, max_error_bytes - body_.size());
  body_.append(kept);
  cut_ = kept.size() < bytes.size();
  return !cut_;
}

}  // namespace cube
