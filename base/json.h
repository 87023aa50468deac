// Json: a strict reader for documents from outside, and the two writers the project needs.
//
// The reader refuses: more than max_bytes, depth over max_depth, duplicate keys, NUL in a string,
// invalid UTF-8, numbers that are not integers of 64 bits, more than 100,000 values, trailing bytes.
// It never recurses, so depth cannot exhaust the stack. Values are immutable and cheap to copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace cube {

struct JsonLimits {
  std::size_t max_bytes = 64 * 1024;
  std::size_t max_depth = 8;
};

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::map<std::string, Json>;  // keys in byte order, as canonical JSON wants them

  Json() = default;  // null
  Json(bool value);
  Json(std::int64_t value);
  Json(std::uint64_t value);
  Json(int value);
  Json(std::string value);
  Json(const char* value);
  Json(Array value);
  Json(Object value);

  // Errors: corrupt ("byte 17: duplicate key \"name\"").
  static Result<Json> parse(std::string_view text, const JsonLimits& limits = {});

  // Typed access. Errors of all: corrupt, naming what was expected.
  [[nodiscard]] Result<bool> boolean() const;
  [[nodiscard]] Result<std::uint64_t> unsigned_integer() const;
  [[nodiscard]] Result<std::string> string() const;
  [[nodiscard]] Result<Array> array() const;
  [[nodiscard]] Result<Object> object() const;

  // A member of an object. Errors: corrupt (not an object, member missing: named).
  [[nodiscard]] Result<Json> member(const std::string& key) const;
  [[nodiscard]] bool has(const std::string& key) const;

  // Typed members; errors name the key.
  [[nodiscard]] Result<std::string> string_at(const std::string& key) const;
  [[nodiscard]] Result<std::uint64_t> unsigned_at(const std::string& key) const;

  // OLPC canonical form, the bytes that TUF signatures cover: no white space, keys sorted, only
  // '"' and '\\' escaped.
  [[nodiscard]] std::string canonical() const;
  // One line without its end, or lines indented by two blanks; control characters escaped. For files and `--json`.
  [[nodiscard]] std::string line() const;
  [[nodiscard]] std::string pretty() const;

 private:
  struct Value;
  std::shared_ptr<const Value> value_;
};

}  // namespace cube
