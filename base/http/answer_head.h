// The head of a web server's answer, line by line, as far as anything here asks for it.
//
// Heads of redirects and of interim answers are read and dropped. All heads of one request have at
// most 64 KiB together. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cube {

// "bytes 100-199/200" of a Content-Range; both bytes included.
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;              // never below `first`
  std::optional<std::uint64_t> total;  // bytes of the whole document; always above `last`
};

class AnswerHead {
 public:
  // One line, with its end. False: heads without end; the transfer is to be ended.
  bool take(std::string_view line);
  // What follows is no head any more, but for trailers, which are dropped.
  void body_begins() { in_body_ = true; }

  // Of the last head; 0: there was none.
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool too_large() const { return too_large_; }
  // A strong one (RFC 9110, 8.8.3), with its quotes; "" for a weak one or none.
  [[nodiscard]] const std::string& entity_tag() const { return entity_tag_; }
  [[nodiscard]] const std::optional<ContentRange>& range() const { return range_; }

 private:
  void begin(std::string_view line);

  int status_ = 0;
  bool ended_ = false;
  bool in_body_ = false;
  bool too_large_ = false;
  std::size_t bytes_ = 0;
  std::string entity_tag_;
  std::optional<ContentRange> range_;
};

}  // namespace cube
