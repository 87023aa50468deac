// Version: dotted numbers ("2.2.4"), compared number by number; a missing number is 0.
// At most 6 numbers of at most 9 digits. Pure.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace cube {

class Version {
 public:
  Version() = default;
  // Errors: invalid.
  static Result<Version> parse(const std::string& text);

  [[nodiscard]] const std::string& text() const { return text_; }
  friend std::strong_ordering operator<=>(const Version& left, const Version& right) {
    return left.numbers_ <=> right.numbers_;
  }
  friend bool operator==(const Version& left, const Version& right) {
    return left.numbers_ == right.numbers_;
  }

 private:
  std::string text_ = "0";
  std::array<std::uint32_t, 6> numbers_{};
};

}  // namespace cube
