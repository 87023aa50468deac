// The bytes of a fuzzer as a sequence of choices. Past their end every number is 0 and every text
// empty, so that a shorter input means a simpler case.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace cube {

class Choices {
 public:
  Choices(const std::uint8_t* data, std::size_t size)
      : at_(reinterpret_cast<const char*>(data)), left_(size) {}

  [[nodiscard]] bool more() const { return left_ > 0; }
  // 0 to 255.
  std::uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return static_cast<std::uint8_t>(*at_++);
  }
  // 0 to count - 1, from one byte, or from two when count is over 256.
  std::size_t below(std::size_t count) {
    std::size_t number = byte();
    if (count > 256) number = number << 8 | byte();
    return number % count;
  }
  bool yes() { return (byte() & 1) != 0; }
  std::string text(std::size_t most) {
    const std::size_t size = std::min(most, left_);
    std::string taken(at_, size);
    at_ += size;
    left_ -= size;
    return taken;
  }
  std::string rest() { return text(left_); }

 private:
  const char* at_;
  std::size_t left_;
};

}  // namespace cube
