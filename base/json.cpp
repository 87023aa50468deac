#include "base/json.h"

#include <iterator>
#include <nlohmann/json.hpp>

#include "base/json_value.h"

namespace cube {
namespace {

constexpr std::size_t max_values = 100000;
constexpr std::size_t max_quoted = 64;  // bytes of foreign text in an error sentence

std::string in_quotes(std::string_view text) {
  return Json(std::string(text.substr(0, max_quoted))).line();
}

// Tells the handler how far the parser has read.
struct CountingIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at;
  const char** furthest;

  reference operator*() const { return *at; }
  CountingIterator& operator++() {
    *furthest = ++at;
    return *this;
  }
  CountingIterator operator++(int) {
    const auto before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const CountingIterator& l, const CountingIterator& r) {
    return l.at == r.at;
  }
};

// Receives the events of the (iterative) parser and builds the tree on a stack of its own.
class Builder {
 public:
  explicit Builder(std::size_t max_depth) : max_depth_(max_depth) {}

  bool null() { return add(Json()); }
  bool boolean(bool value) { return add(Json(value)); }
  bool number_integer(std::int64_t value) { return add(Json(value)); }
  bool number_unsigned(std::uint64_t value) { return add(Json(value)); }
  bool number_float(double, const std::string&) {
    return refuse("a number that is not an integer of 64 bits");
  }
  bool string(std::string& value) {
    if (has_nul(value)) return false;
    return add(Json(std::move(value)));
  }
  bool binary(nlohmann::json::binary_t&) { return refuse("binary data"); }
  bool start_object(std::size_t) { return open(true); }
  bool start_array(std::size_t) { return open(false); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    if (has_nul(name)) return false;
    auto& frame = open_.back();
    if (frame.members.count(name) != 0) return refuse("duplicate key " + in_quotes(name));
    frame.key = std::move(name);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) {
    return refuse("not JSON in UTF-8");
  }

  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  Json take() { return std::move(root_); }

 private:
  struct Frame {
    bool is_object = false;
    Json::Object members;
    Json::Array items;
    std::string key;
  };

  bool refuse(std::string why) {
    if (refusal_.empty()) refusal_ = std::move(why);
    return false;
  }
  bool has_nul(const std::string& text) {
    if (text.find('\0') == std::string::npos) return false;
    refuse("a NUL in a string");
    return true;
  }
  bool open(bool is_object) {
    if (open_.size() == max_depth_)
      return refuse("nested deeper than " + std::to_string(max_depth_) + " levels");
    open_.emplace_back();
    open_.back().is_object = is_object;
    return true;
  }
  bool close() {
    Frame frame = std::move(open_.back());
    open_.pop_back();
    return add(frame.is_object ? Json(std::move(frame.members)) : Json(std::move(frame.items)));
  }
  bool add(Json value) {
    if (++values_ > max_values)
      return refuse("more than " + std::to_string(max_values) + " values");
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().is_object) {
      open_.back().members.emplace(std::move(open_.back().key), std::move(value));
    } else {
      open_.back().items.push_back(std::move(value));
    }
    return true;
  }

  std::size_t max_depth_;
  std::size_t values_ = 0;
  std::vector<Frame> open_;
  Json root_;
  std::string refusal_;
};

Error at_byte(std::ptrdiff_t offset, const std::string& why) {
  return {Errc::corrupt, "byte " + std::to_string(offset) + ": " + why};
}

}  // namespace

Json::Json(bool value) : value_(std::make_shared<const Value>(Value{value})) {}
Json::Json(std::int64_t value)
    : value_(std::make_shared<const Value>(value < 0 ? Value{value}
                                                     : Value{static_cast<std::uint64_t>(value)})) {}
Json::Json(std::uint64_t value) : value_(std::make_shared<const Value>(Value{value})) {}
Json::Json(int value) : Json(static_cast<std::int64_t>(value)) {}
Json::Json(std::string value) : value_(std::make_shared<const Value>(Value{std::move(value)})) {}
Json::Json(const char* value) : Json(std::string(value)) {}
Json::Json(Array value) : value_(std::make_shared<const Value>(Value{std::move(value)})) {}
Json::Json(Object value) : value_(std::make_shared<const Value>(Value{std::move(value)})) {}

Result<Json> Json::parse(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes)
    return Error{Errc::corrupt, "larger than " + std::to_string(limits.max_bytes) + " bytes"};
  // The parser would take a NUL for the end of the text, and would skip a byte order mark.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos)
    return at_byte(static_cast<std::ptrdiff_t>(nul), "a NUL");
  if (text.substr(0, 1) == "\xef") return at_byte(0, "not JSON in UTF-8");
  const char* furthest = text.data();
  Builder builder(limits.max_depth);
  const CountingIterator begin{text.data(), &furthest};
  const CountingIterator end{text.data() + text.size(), &furthest};
  const bool accepted = nlohmann::json::sax_parse(begin, end, &builder);
  if (!accepted || !builder.refusal().empty())
    return at_byte(furthest - text.data(), builder.refusal());
  return builder.take();
}

Result<bool> Json::boolean() const {
  if (const auto* value = std::get_if<bool>(&Value::of(*this))) return *value;
  return Value::expected("true or false", *this);
}

Result<std::uint64_t> Json::unsigned_integer() const {
  if (const auto* value = std::get_if<std::uint64_t>(&Value::of(*this))) return *value;
  return Value::expected("a number of 0 or more", *this);
}

Result<std::string> Json::string() const {
  if (const auto* value = std::get_if<std::string>(&Value::of(*this))) return *value;
  return Value::expected("a string", *this);
}

Result<Json::Array> Json::array() const {
  if (const auto* value = std::get_if<Array>(&Value::of(*this))) return *value;
  return Value::expected("an array", *this);
}

Result<Json::Object> Json::object() const {
  if (const auto* value = std::get_if<Object>(&Value::of(*this))) return *value;
  return Value::expected("an object", *this);
}

Result<Json> Json::member(const std::string& key) const {
  const auto* members = std::get_if<Object>(&Value::of(*this));
  if (members == nullptr) return Value::expected("an object", *this);
  const auto found = members->find(key);
  if (found == members->end()) return Error{Errc::corrupt, "no member " + in_quotes(key)};
  return found->second;
}

bool Json::has(const std::string& key) const {
  const auto* members = std::get_if<Object>(&Value::of(*this));
  return members != nullptr && members->count(key) != 0;
}

Result<std::string> Json::string_at(const std::string& key) const {
  CUBE_TRY(const Json found, member(key));
  auto value = found.string();
  if (!value) return std::move(value).error().in(in_quotes(key));
  return value;
}

Result<std::uint64_t> Json::unsigned_at(const std::string& key) const {
  CUBE_TRY(const Json found, member(key));
  auto value = found.unsigned_integer();
  if (!value) return std::move(value).error().in(in_quotes(key));
  return value;
}

}  // namespace cube
