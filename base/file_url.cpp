#include "base/file_url.h"

#include <string_view>

namespace cube {
namespace {

constexpr std::string_view head = "file://";

// What may stand in the path of a URL as it is (RFC 3986, "pchar" and the slash).
bool stands_for_itself(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return true;
  return std::string_view("/-._~!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string file_url(const std::string& path) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string url(head);
  for (const char c : path) {
    if (stands_for_itself(c)) {
      url += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    url += '%';
    url += digits[byte >> 4];
    url += digits[byte & 15];
  }
  return url;
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
