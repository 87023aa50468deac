// PostAnswer: what a web server says to a document that was sent to it. Sizes are counted here: the
// caller's limit for the answer, 64 KiB for what comes with an error, of which the rest is dropped.
// Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/http/answer_head.h"
#include "base/http/receiver.h"

namespace cube {

class PostAnswer final : public Receiver {
 public:
  explicit PostAnswer(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  bool take_head(std::string_view line) override;
  bool take_body(std::string_view bytes) override;

  // Of the last head; 0: there was none.
  [[nodiscard]] int status() const { return head_.status(); }
  [[nodiscard]] bool has_head() const { return head_.ended() && status() >= 200; }
  [[nodiscard]] bool is_error() const { return has_head() && status() >= 400; }
  // More than the limit, or heads without end.
  [[nodiscard]] bool too_large() const { return too_large_; }
  // What came with an error was longer than what is kept.
  [[nodiscard]] bool cut() const { return cut_; }
  [[nodiscard]] std::string& body() { return body_; }

 private:
  std::size_t max_bytes_;
  AnswerHead head_;
  std::string body_;
  bool too_large_ = false;
  bool cut_ = false;
};

}  // namespace cube
