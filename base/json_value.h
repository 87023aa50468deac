// What a Json holds inside; for base/json.cpp and base/json_writer.cpp only.
#pragma once

#include <array>
#include <string>

#include "base/json.h"

namespace cube {

// A number that is not negative is always held as unsigned, so that equal numbers are equal values.
struct Json::Value {
  struct Writer;
  using Any =
      std::variant<std::monostate, bool, std::int64_t, std::uint64_t, std::string, Array, Object>;
  Any any;

  static const Any& of(const Json& json) {
    static const Any null;
    return json.value_ ? json.value_->any : null;
  }
  static Error expected(const char* what, const Json& found) {
    constexpr std::array<const char*, 7> kinds{"null",     "true or false", "a negative number",
                                               "a number", "a string",      "an array",
                                               "an object"};
    return {Errc::corrupt, std::string("expected ") + what + ", found " + kinds[of(found).index()]};
  }
};

}  // namespace cube
