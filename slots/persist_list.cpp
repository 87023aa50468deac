#include "slots/persist_list.h"

#include <algorithm>
#include <array>

#include "base/mutation.h"

namespace cube {
namespace {

constexpr const char* file = "usr/lib/cube-update/persist";
constexpr std::size_t max_bytes = 16 * 1024;
constexpr std::size_t max_path = 512;

Error wrong(std::string_view line, const std::string& why) {
  return {Errc::corrupt,
          std::string(file) + ": \"" + std::string(line.substr(0, 80)) + "\" " + why};
}

// Where a system keeps state; the rest of a slot is the release's alone.
bool may_hold_state(std::string_view path) {
  constexpr std::array<std::string_view, 5> tops{"etc/", "var/", "root/", "home/", "srv/"};
  return std::any_of(tops.begin(), tops.end(), [&](std::string_view top) {
    return path.starts_with(top) && path.size() > top.size();
  });
}

bool is_plain(std::string_view path) {
  while (true) {
    const auto part = path.substr(0, path.find('/'));
    if (part.empty() || part == "." || part == "..") return false;
    if (part.size() == path.size()) return true;
    path.remove_prefix(part.size() + 1);
  }
}

}  // namespace

Result<std::vector<std::string>> parse_persist_list(std::string_view text) {
  std::vector<std::string> paths;
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    while (line.ends_with(' ') || line.ends_with('\r') || (line.size() > 1 && line.ends_with('/')))
      line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    auto path = line;
    if (path.starts_with('/')) path.remove_prefix(1);
    const bool clean = std::none_of(path.begin(), path.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (!clean || path.size() > max_path || !is_plain(path) || !may_hold_state(path))
      return wrong(clean ? line : "?", "is no path below etc, var, root, home or srv");
    if (paths.size() == max_persisted) return wrong(line, "is one path too many");
    paths.emplace_back(path);
  }
  return paths;
}

Result<std::vector<std::string>> read_persist_list(const RootDir& slot) {
  if (mutated("persist-list-ignored")) return std::vector<std::string>();
  const auto text = slot.read_file(file, max_bytes);
  if (!text && text.error().code == Errc::not_found) return std::vector<std::string>();
  if (!text) return text.error();
  return parse_persist_list(*text);
}

}  // namespace cube
