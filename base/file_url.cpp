#include "base/file_url.h"

#include <string_view>

namespace cube {
namespace {

constexpr std::string_view head = "file://";

// What may stand in the path of a URL as it is, besides what always may (RFC 3986, "pchar" and the
// slash).
constexpr std::string_view path_signs = "/!$&'()*+,;=:@";

bool always_stands_for_itself(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return true;
  return std::string_view("-._~").find(c) != std::string_view::npos;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string percent_encoded(std::string_view name, std::string_view keep) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : name) {
    if (always_stands_for_itself(c) || keep.find(c) != std::string_view::npos) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += digits[byte >> 4];
    encoded += digits[byte & 15];
  }
  return encoded;
}

std::string file_url(const std::string& path) {
  return std::string(head) + percent_encoded(path, path_signs);
}

Result<std::string> path_of_file_url(const std::string& url) {
  const Error wrong{Errc::invalid, url + ": a file URL has the form file:///PATH"};
  if (url.size() <= head.size() || url.substr(0, head.size()) != head || url[head.size()] != '/')
    return wrong;
  std::string path;
  for (std::size_t at = head.size(); at < url.size(); ++at) {
    if (url[at] != '%') {
      path += url[at];
      continue;
    }
    const int high = at + 2 < url.size() ? hex_digit(url[at + 1]) : -1;
    const int low = at + 2 < url.size() ? hex_digit(url[at + 2]) : -1;
    if (high < 0 || low < 0 || (high == 0 && low == 0))
      return Error{Errc::invalid, url + ": a '%' in it begins no escape of two hex digits"};
    path += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return path;
}

}  // namespace cube
