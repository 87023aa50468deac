#include "release/token_uri.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "base/file_url.h"

namespace cube {
namespace {

constexpr std::string_view head = "pkcs11:";
constexpr std::size_t max_bytes = 1024;
constexpr std::array<std::string_view, 7> path_names{"token",  "serial", "manufacturer", "model",
                                                     "object", "id",     "type"};

Error invalid(const std::string& what) {
  return {Errc::invalid,
          "PKCS#11 URI: " + what +
              "; write it as in pkcs11:token=cube;object=targets, with ?module-path=/FILE.so for a "
              "module of its own"};
}

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\''; });
}

// name=value, divided by `mark`, each name once.
Result<std::map<std::string, std::string>> attributes(std::string_view text, char mark) {
  std::map<std::string, std::string> found;
  while (!text.empty()) {
    const auto end = std::min(text.find(mark), text.size());
    const auto one = text.substr(0, end);
    const auto equals = one.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == one.size())
      return invalid("\"" + std::string(one) + "\" is not NAME=VALUE");
    const std::string name(one.substr(0, equals));
    if (name.starts_with("pin"))
      return Error{Errc::invalid,
                   "PKCS#11 URI: it has a PIN, which would be stored and shown; leave it out and "
                   "change it on the token: cube-release asks for the PIN or reads it from "
                   "--passphrase-fd"};
    if (!found.emplace(name, one.substr(equals + 1)).second)
      return invalid("\"" + name + "\" is there twice");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return found;
}

Status check_path(const std::map<std::string, std::string>& found) {
  for (const auto& [name, value] : found)
    if (std::find(path_names.begin(), path_names.end(), name) == path_names.end())
      return invalid("\"" + name + "\" is not known here");
  if (found.count("token") + found.count("serial") == 0) return invalid("it names no token");
  if (found.count("object") + found.count("id") == 0)
    return invalid("it names no key (object, id)");
  const auto type = found.find("type");
  if (type != found.end() && type->second != "private") return invalid("its type is not private");
  return ok();
}

}  // namespace

bool is_token_uri(const std::string& text) {
  return text.starts_with(head);
}

Result<TokenUri> TokenUri::parse(const std::string& text) {
  if (!is_token_uri(text)) return invalid("it does not begin with pkcs11:");
  if (text.size() > max_bytes) return invalid("it is longer than 1024 bytes");
  if (!is_plain(text)) return invalid("it has blanks, quotes or bytes that are not ASCII");
  const auto question = std::min(text.find('?'), text.size());
  const std::string_view whole = text;
  const auto path = whole.substr(head.size(), question - head.size());
  CUBE_TRY(const auto named, attributes(path, ';'));
  CUBE_CHECK(check_path(named));
  const auto query = whole.substr(std::min(question + 1, text.size()));
  CUBE_TRY(const auto asked, attributes(query, '&'));
  TokenUri uri{text, text.substr(0, question), "", ""};
  uri.token = named.count("token") != 0 ? named.at("token") : named.at("serial");
  for (const auto& [name, value] : asked) {
    if (name != "module-path") return invalid("\"" + name + "\" is not known here");
    auto decoded = path_of_file_url("file://" + value);
    if (!decoded) return invalid("module-path is not an absolute path");
    uri.module = std::move(decoded).value();
  }
  return uri;
}

}  // namespace cube
