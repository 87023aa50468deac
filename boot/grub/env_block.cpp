#include "boot/grub/env_block.h"

#include <algorithm>

#include "model/name.h"

namespace cube {
namespace {

constexpr std::string_view header = "# GRUB Environment Block\n";
constexpr std::string_view ours = "cube_";

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return is_ascii_alnum(c) || c == '_';
  });
}

bool is_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x20 && c < 0x7f && c != '\\'; });
}

}  // namespace

Result<EnvBlock> EnvBlock::parse(std::string_view bytes) {
  const auto wrong = [](const std::string& what) { return Error{Errc::corrupt, what}; };
  if (bytes.size() != env_block_bytes)
    return wrong("has " + std::to_string(bytes.size()) + " bytes instead of 1024");
  if (!bytes.starts_with(header)) return wrong("does not begin with the header of a GRUB block");
  EnvBlock block;
  std::size_t at = header.size();
  while (at < bytes.size() && bytes[at] != '#') {
    const auto end = bytes.find('\n', at);
    if (end == std::string_view::npos) return wrong("ends in the middle of a variable");
    const auto line = bytes.substr(at, end - at);
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || !is_name(line.substr(0, equals)) ||
        !is_value(line.substr(equals + 1)))
      return wrong("has a damaged line at byte " + std::to_string(at));
    const std::string name(line.substr(0, equals));
    if (block.get(name)) return wrong("has the variable " + name + " twice");
    if (name.starts_with(ours) && end >= env_sector_bytes)
      return wrong("has the variable " + name + " outside its first 512 bytes");
    block.variables_.emplace_back(name, line.substr(equals + 1));
    at = end + 1;
  }
  if (bytes.find_first_not_of('#', at) != std::string_view::npos)
    return wrong("has bytes after its variables that GRUB did not write");
  return block;
}

Result<std::string> EnvBlock::get(const std::string& name) const {
  const auto found = std::find_if(variables_.begin(), variables_.end(),
                                  [&](const auto& variable) { return variable.first == name; });
  if (found == variables_.end()) return Error{Errc::corrupt, "lacks the variable " + name};
  return found->second;
}

void EnvBlock::set(const std::string& name, const std::string& value) {
  for (auto& variable : variables_) {
    if (variable.first != name) continue;
    variable.second = value;
    return;
  }
  variables_.emplace_back(name, value);
}

Result<std::string> EnvBlock::render() const {
  std::string bytes(header);
  for (const auto& [name, value] : variables_) {
    bytes += name + "=" + value + "\n";
    if (name.starts_with(ours) && bytes.size() > env_sector_bytes)
      return Error{Errc::corrupt, "no room for " + name + " in the first 512 bytes"};
  }
  if (bytes.size() > env_block_bytes) return Error{Errc::corrupt, "the variables do not fit"};
  bytes.resize(env_block_bytes, '#');
  return bytes;
}

}  // namespace cube
