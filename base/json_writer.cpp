#include "base/json_value.h"

namespace cube {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_canonical(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

using Quote = void (*)(std::string&, std::string_view);

}  // namespace

// Writes one value. indent: blanks before the value's own line; negative: everything on one line.
struct Json::Value::Writer {
  std::string& out;
  Quote quote;
  bool spaced;  // a blank after ':' and ','
  int indent;

  void operator()(std::monostate) const { out += "null"; }
  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(std::int64_t value) const { out += std::to_string(value); }
  void operator()(std::uint64_t value) const { out += std::to_string(value); }
  void operator()(const std::string& value) const { quote(out, value); }
  void operator()(const Array& items) const {
    out += '[';
    bool first = true;
    for (const auto& item : items) {
      separate(first);
      std::visit(inner(), of(item));
    }
    finish(first, ']');
  }
  void operator()(const Object& members) const {
    out += '{';
    bool first = true;
    for (const auto& [key, member] : members) {
      separate(first);
      quote(out, key);
      out += spaced ? ": " : ":";
      std::visit(inner(), of(member));
    }
    finish(first, '}');
  }

 private:
  [[nodiscard]] Writer inner() const { return {out, quote, spaced, indent < 0 ? -1 : indent + 2}; }
  void separate(bool& first) const {
    if (!first) out += spaced && indent < 0 ? ", " : ",";
    first = false;
    if (indent >= 0) new_line(indent + 2);
  }
  void finish(bool empty, char bracket) const {
    if (!empty && indent >= 0) new_line(indent);
    out += bracket;
  }
  void new_line(int blanks) const {
    out += '\n';
    out.append(static_cast<std::size_t>(blanks), ' ');
  }
};

std::string Json::canonical() const {
  std::string out;
  std::visit(Value::Writer{out, append_canonical, false, -1}, Value::of(*this));
  return out;
}

std::string Json::line() const {
  std::string out;
  std::visit(Value::Writer{out, append_escaped, true, -1}, Value::of(*this));
  return out;
}

std::string Json::pretty() const {
  std::string out;
  std::visit(Value::Writer{out, append_escaped, true, 0}, Value::of(*this));
  return out + "\n";
}

}  // namespace cube
