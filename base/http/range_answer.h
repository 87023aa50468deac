// RangeAnswer: what a web server says to a request for bytes of a document whose length is known.
// What arrives is given on at once, and never more than was asked for.
#pragma once

#include <cstdint>

#include "base/byte_sink.h"
#include "base/http/answer_head.h"
#include "base/http/receiver.h"
#include "base/result.h"

namespace cube {

class RangeAnswer final : public Receiver {
 public:
  enum class Verdict {
    none,              // no whole head
    part,              // the bytes that were asked for, or fewer
    ignores_ranges,    // the whole document, or other bytes
    another_document,  // of another length
    refused,           // another status
  };

  // `length` bytes from `first` on of `total`; none of them 0 but `first`.
  RangeAnswer(std::uint64_t first, std::uint64_t length, std::uint64_t total, const ByteSink& take)
      : first_(first), length_(length), total_(total), take_(take) {}

  bool take_head(std::string_view line) override;
  bool take_body(std::string_view bytes) override;
  // Of the last head; 0: there was none.
  [[nodiscard]] int status() const { return head_.status(); }

  [[nodiscard]] Verdict verdict() const;
  // How many bytes were given on.
  [[nodiscard]] std::uint64_t given() const { return given_; }
  [[nodiscard]] bool complete() const { return given_ == length_; }
  // What came of giving them on.
  [[nodiscard]] const Status& taken() const { return taken_; }
  [[nodiscard]] bool too_large() const { return head_.too_large(); }

 private:
  std::uint64_t first_, length_, total_;
  const ByteSink& take_;
  std::uint64_t given_ = 0;
  Status taken_ = ok();
  AnswerHead head_;
  std::size_t error_page_bytes_ = 0;
};

}  // namespace cube
