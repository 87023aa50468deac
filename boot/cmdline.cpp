#include "boot/cmdline.h"

#include <algorithm>
#include <vector>

namespace cube {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::vector<std::string_view> arguments(std::string_view text) {
  std::vector<std::string_view> found;
  std::size_t start = 0;
  bool quoted = false;
  const auto take = [&](std::size_t end) {
    if (end > start) found.push_back(text.substr(start, end - start));
    start = end + 1;
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') quoted = !quoted;
    if (!quoted && (is_space(text[at]) || text[at] == '\0')) take(at);
  }
  take(text.size());
  return found;
}

// The one value of an argument; nullopt when it is absent or ambiguous.
std::optional<std::string_view> value_of(const std::vector<std::string_view>& arguments,
                                         std::string_view name) {
  std::optional<std::string_view> value;
  for (const auto argument : arguments) {
    if (argument == "--") break;
    if (argument.size() <= name.size() || argument.substr(0, name.size()) != name ||
        argument[name.size()] != '=')
      continue;
    const auto found = argument.substr(name.size() + 1);
    if (value && *value != found) return std::nullopt;
    value = found;
  }
  return value;
}

}  // namespace

bool is_canary(std::string_view text) {
  return text.size() == 16 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Cmdline parse_cmdline(std::string_view text) {
  const auto given = arguments(text.substr(0, max_cmdline_bytes));
  Cmdline cmdline;
  if (const auto slot = value_of(given, "cube.slot")) cmdline.slot = parse_slot(*slot);
  cmdline.trial = value_of(given, "cube.trial") == "1";
  const auto canary = value_of(given, "cube.canary");
  if (canary && is_canary(*canary)) cmdline.canary = *canary;
  return cmdline;
}

Result<Cmdline> read_cmdline(const RootDir& root, const std::string& path) {
  CUBE_TRY(const auto text, root.read_file(path, max_cmdline_bytes));
  return parse_cmdline(text);
}

}  // namespace cube
