// Answer: what a web server says to one request for a document, as far as it is believed.
//
// Sizes are counted here: 64 KiB for all heads together, the caller's limit for the document, 64
// KiB for the page that comes with an error, which is dropped. A document that was cut off can be
// continued when the server gave it a strong entity tag (RFC 9110, 8.8.3): only with the same tag,
// from exactly the next byte on. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/http/answer_head.h"
#include "base/http/receiver.h"

namespace cube {

// What came of a document before the connection broke.
struct PartialDocument {
  std::string bytes;
  std::string entity_tag;  // "": it cannot be continued

  [[nodiscard]] bool can_be_continued() const { return !bytes.empty() && !entity_tag.empty(); }
};

class Answer final : public Receiver {
 public:
  // `so_far` is continued, if it can be, or begun anew; it outlives the answer.
  Answer(PartialDocument& so_far, std::size_t max_bytes)
      : document_(so_far), max_bytes_(max_bytes), asked_from_(first_byte_of(so_far)) {}

  bool take_head(std::string_view line) override;
  bool take_body(std::string_view bytes) override;
  // When the transfer failed: what cannot be continued is dropped.
  void give_up();

  // Of the last head; 0: there was none.
  [[nodiscard]] int status() const { return head_.status(); }
  // Its head came to an end.
  [[nodiscard]] bool has_head() const { return head_.ended(); }
  // The document, or the continuation that was asked for.
  [[nodiscard]] bool is_document() const;
  // More than the limit, or heads without end.
  [[nodiscard]] bool too_large() const { return too_large_; }
  // A server may send less than was asked for, and say so.
  [[nodiscard]] bool complete() const;

 private:
  [[nodiscard]] static std::size_t first_byte_of(const PartialDocument& document) {
    return document.can_be_continued() ? document.bytes.size() : 0;
  }

  PartialDocument& document_;
  std::size_t max_bytes_;
  std::size_t asked_from_;
  AnswerHead head_;
  bool in_body_ = false;
  bool too_large_ = false;
  std::size_t error_page_bytes_ = 0;
};

}  // namespace cube
