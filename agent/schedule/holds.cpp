#include "agent/schedule/holds.h"

#include "agent/power/shutdown_locks.h"
#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::size_t max_files = 100;
constexpr std::size_t max_shown = 80;

std::string printable(std::string text) {
  text = text.substr(0, std::min(text.find('\n'), max_shown));
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  return text;
}

}  // namespace

Result<std::string> held_by(const RootDir& root) {
  if (mutated("holds-ignored")) return std::string();
  for (const std::string folder : {"etc/cube-update/hold.d", "run/cube-update/hold.d"}) {
    const auto names = root.list(folder, max_files);
    if (!names && names.error().code == Errc::not_found) continue;
    if (!names) return names.error();
    if (names->empty()) continue;
    const std::string file = folder + "/" + names->front();
    const auto text = root.read_file(file, 4096);
    const std::string why = text ? printable(*text) : "";
    return "held by " + printable(root.join(file)) + (why.empty() ? "" : ": " + why);
  }
  if (root.path() != "/") return std::string();
  CUBE_TRY(const auto locks, shutdown_locks());
  return locks.empty() ? std::string() : "held by " + printable(locks.front());
}

}  // namespace cube
