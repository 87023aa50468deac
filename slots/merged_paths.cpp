#include "slots/merged_paths.h"

#include "base/durable_file.h"
#include "base/json.h"

namespace cube {
namespace {

constexpr const char* file = ".cube/merged";
constexpr std::size_t max_bytes = 8 * 1024 * 1024;

Json list_of(const std::vector<std::string>& paths) {
  Json::Array array;
  for (const auto& path : paths) array.emplace_back(path);
  return Json(std::move(array));
}

Result<std::vector<std::string>> paths_of(const Json& json, const std::string& key) {
  CUBE_TRY(const auto member, json.member(key));
  CUBE_TRY(const auto array, member.array());
  std::vector<std::string> paths;
  for (const auto& element : array) {
    CUBE_TRY(auto path, element.string());
    paths.push_back(std::move(path));
  }
  return paths;
}

}  // namespace

Result<MergedPaths> read_merged_paths(const RootDir& slot) {
  const auto text = slot.read_file(file, max_bytes);
  if (!text && text.error().code == Errc::not_found) return MergedPaths{};
  if (!text) return text.error();
  CUBE_TRY(const auto json, Json::parse(*text, {.max_bytes = max_bytes}));
  MergedPaths paths;
  CUBE_TRY(paths.local, paths_of(json, "local"));
  CUBE_TRY(paths.conflicts, paths_of(json, "conflicts"));
  return paths;
}

Status write_merged_paths(const RootDir& slot, const MergedPaths& paths) {
  const Json json(
      Json::Object{{"local", list_of(paths.local)}, {"conflicts", list_of(paths.conflicts)}});
  const std::string text = json.line() + "\n";
  // What cannot be read back would be a slot that cannot be verified.
  CUBE_CHECK(Json::parse(text, {.max_bytes = max_bytes}));
  const auto present = slot.read_file(file, max_bytes);
  return present && *present == text ? ok() : replace_file(slot, file, text);
}

}  // namespace cube
