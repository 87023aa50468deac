#include "boot/cmdline.h"

#include "base/digest.h"

namespace cube {

bool is_canary(std::string_view text) {
  return text.size() == 16 && from_hex(text).has_value();
}

Cmdline parse_cmdline(std::string_view text) {
  Cmdline cmdline;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = std::min(text.find_first_of(" \n\t", at), text.size());
    const auto argument = text.substr(at, end - at);
    at = end + 1;
    const auto equals = argument.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = argument.substr(0, equals);
    const auto value = argument.substr(equals + 1);
    if (name == "cube.slot") cmdline.slot = parse_slot(value);
    if (name == "cube.virtual") cmdline.virtual_boot = true;
    if (name == "cube.trial") cmdline.trial = value == "1";
    if (name == "cube.canary") cmdline.canary = is_canary(value) ? std::string(value) : "";
  }
  return cmdline;
}

Result<Cmdline> read_cmdline(const RootDir& root) {
  CUBE_TRY(const auto text, root.read_file("proc/cmdline", max_cmdline_bytes));
  return parse_cmdline(text);
}

Result<std::string> canary_of_this_boot(const RootDir& root) {
  CUBE_TRY(auto id, root.read_file("proc/sys/kernel/random/boot_id", 64));
  std::erase_if(id, [](char c) { return c == '-' || c == '\n'; });
  if (id.size() < 16 || !is_canary(id.substr(0, 16))) return Error{Errc::failed, "no boot id"};
  return id.substr(0, 16);
}

}  // namespace cube
