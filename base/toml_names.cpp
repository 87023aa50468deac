#include "base/toml_names.h"

#include <algorithm>

namespace cube {
namespace {

bool begins_a_key(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

// Has it a byte of no ASCII character outside of a comment and of texts that end on this line?
bool has_odd_name(std::string_view line) {
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      if (c == '\\' && quote == '"')
        ++i;
      else if (c == quote)
        quote = 0;
    } else if (c == '#') {
      return false;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if ((static_cast<unsigned char>(c) & 0x80U) != 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

Status check_table_names(const std::string& file, std::string_view text) {
  constexpr std::string_view blank = " \t", byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  for (int number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line.remove_prefix(std::min(line.find_first_not_of(blank), line.size()));
    if (has_odd_name(line))
      return Error{Errc::invalid, file + ":" + std::to_string(number) +
                                      ": outside of texts and comments only ASCII is taken"};
    if (!line.starts_with('[')) continue;
    line.remove_prefix(line.starts_with("[[") ? 2 : 1);
    line.remove_prefix(std::min(line.find_first_not_of(blank), line.size()));
    if (line.empty() || !begins_a_key(line[0]))
      return Error{Errc::invalid, file + ":" + std::to_string(number) +
                                      ": the name of a table must begin with a letter"};
  }
  return ok();
}

}  // namespace cube
