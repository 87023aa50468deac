#include "agent/attempt_file.h"

#include <charconv>

#include "base/durable_file.h"
#include "model/journal.h"

namespace cube {
namespace {

void remove_old(const RootDir& root, const std::string& folder, std::uint64_t attempt) {
  const auto names = root.list(folder, max_history * 4);
  if (!names) return;
  for (const auto& name : *names) {
    std::uint64_t number = 0;
    std::from_chars(name.data(), name.data() + name.size(), number);
    const bool old = number > 0 && number + max_history <= attempt;
    if (old && !root.remove_file(folder + "/" + name)) return;  // it only costs room
  }
}

}  // namespace

std::string attempt_file(const std::string& folder, std::uint64_t attempt) {
  return folder + "/" + std::to_string(attempt) + ".json";
}

Status save_attempt_file(const RootDir& root, const std::string& folder, std::uint64_t attempt,
                         std::string_view text) {
  CUBE_CHECK(root.make_dirs(folder));
  remove_old(root, folder, attempt);
  return replace_file(root, attempt_file(folder, attempt), std::string(text));
}

}  // namespace cube
