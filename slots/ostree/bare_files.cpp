#include "slots/ostree/bare_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>

#include "base/root_dir.h"

namespace cube {
namespace {

constexpr const char* suffixes[] = {".commit", ".dirtree", ".dirmeta", ".file"};
constexpr std::size_t max_objects = std::size_t{1} << 22;  // of all releases that a slot ever had

std::optional<ObjectId> id_of(const std::string& folder, std::string_view file) {
  const auto dot = file.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto suffix = std::find(std::begin(suffixes), std::end(suffixes), file.substr(dot));
  const auto hex = folder + std::string(file.substr(0, dot));
  const auto name = parse_sha256(hex);
  if (suffix == std::end(suffixes) || !name) return std::nullopt;
  return ObjectId{static_cast<ObjectKind>(suffix - std::begin(suffixes)), *name};
}

}  // namespace

std::string bare_file(const ObjectId& id) {
  const auto hex = to_hex(id.name);
  return hex.substr(0, 2) + "/" + hex.substr(2) + suffixes[static_cast<std::size_t>(id.kind)];
}

Result<std::vector<BareObject>> bare_objects(const std::string& repository) {
  CUBE_TRY(const auto objects, RootDir::open(repository + "/objects"));
  CUBE_TRY(const auto folders, objects.list("."));
  std::vector<BareObject> found;
  for (const auto& folder : folders) {
    CUBE_TRY(const auto files, objects.entries(folder));
    for (const auto& file : files)
      if (const auto id = id_of(folder, file.name)) found.push_back({*id, file.inode});
    if (found.size() > max_objects)
      return Error{Errc::corrupt, repository + ": more objects than any release has"};
  }
  std::sort(found.begin(), found.end());
  return found;
}

const BareObject* find_object(const std::vector<BareObject>& sorted, const ObjectId& id) {
  const auto at = std::lower_bound(
      sorted.begin(), sorted.end(), id,
      [](const BareObject& object, const ObjectId& wanted) { return object.id < wanted; });
  return at != sorted.end() && at->id == id ? &*at : nullptr;
}

std::vector<std::uint64_t> bare_file_sizes(const std::string& repository,
                                           const std::vector<ObjectId>& ids) {
  std::vector<std::uint64_t> sizes(ids.size(), 0);
  const Fd objects(::open((repository + "/objects").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    struct stat st {};
    if (::fstatat(objects.get(), bare_file(ids[i]).c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0)
      sizes[i] = static_cast<std::uint64_t>(st.st_size);
  }
  return sizes;
}

Status delete_others(const std::string& repository, const std::vector<BareObject>& present,
                     const std::vector<ObjectId>& keep) {
  CUBE_TRY(const auto objects, RootDir::open(repository + "/objects"));
  for (const auto& [id, inode] : present)
    if (!std::binary_search(keep.begin(), keep.end(), id) &&
        ::unlinkat(objects.fd(), bare_file(id).c_str(), 0) != 0 && errno != ENOENT)
      return system_error("delete " + describe(id) + " of " + repository);
  return ok();
}

}  // namespace cube
