#include "agent/share/share_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/durable_file.h"
#include "base/io.h"
#include "base/mutation.h"
#include "model/name.h"

namespace cube {
namespace {

constexpr const char* releases_folder = "targets/releases";
constexpr std::uint64_t mib = 1024 * 1024;
constexpr mode_t for_all = 0644;

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// Not whole yet.
std::string unfinished(const std::string& path) {
  return folder_of(path) + "/." + name_of(path) + ".new";
}

// Another name for a file. Errors: failed (also: on another filesystem).
Status link_file(const RootDir& root, const std::string& file, const std::string& to) {
  CUBE_TRY(const auto from_folder, root.open_file(folder_of(file), O_RDONLY | O_DIRECTORY));
  CUBE_TRY(const auto to_folder, root.open_file(folder_of(to), O_RDONLY | O_DIRECTORY));
  if (::linkat(from_folder.get(), name_of(file).c_str(), to_folder.get(), name_of(to).c_str(), 0) !=
      0)
    return system_error("link " + root.join(to));
  if (::fchmodat(to_folder.get(), name_of(to).c_str(), for_all, 0) != 0)
    return system_error("mode of " + root.join(to));
  return ok();
}

Status rename_file(const RootDir& root, const std::string& from, const std::string& to) {
  CUBE_TRY(const auto folder, root.open_file(folder_of(to), O_RDONLY | O_DIRECTORY));
  if (::renameat(folder.get(), name_of(from).c_str(), folder.get(), name_of(to).c_str()) != 0)
    return system_error("rename to " + root.join(to));
  // Of two names of one file none is renamed.
  CUBE_CHECK(root.remove_file(from));
  return sync_folder(root, folder_of(to));
}

struct Shared {
  std::string name;  // of a release
  std::int64_t came = 0;
  std::uint64_t bytes = 0;
};

std::vector<Shared> shared_releases(const RootDir& root, const std::string& folder) {
  std::vector<Shared> found;
  const auto names = root.list(folder);
  if (!names) return found;
  for (const auto& name : *names) {
    const auto st = root.stat(folder + "/" + name);
    const auto files = root.list(folder + "/" + name);
    if (!is_safe_name(name) || !st || !files) continue;
    Shared release{name, st->st_mtime, 0};
    for (const auto& file : *files)
      if (const auto each = root.stat(folder + "/" + name + "/" + file))
        release.bytes += static_cast<std::uint64_t>(each->st_size);
    found.push_back(std::move(release));
  }
  return found;
}

}  // namespace

bool ShareFolder::has(const std::string& path, std::uint64_t length) const {
  const auto st = root_.stat(below(path));
  return st && S_ISREG(st->st_mode) && static_cast<std::uint64_t>(st->st_size) == length;
}

Status ShareFolder::check_room(std::uint64_t length) const {
  if (length <= config_.max_bytes) return ok();
  return Error{Errc::no_space, "a pack of " + std::to_string((length + mib - 1) / mib) +
                                   " MiB is more than share.max-size (" +
                                   std::to_string(config_.max_bytes / mib) + ") permits"};
}

Status ShareFolder::copy(const std::string& file, const std::string& to) const {
  CUBE_TRY(const auto in, root_.open_file(file, O_RDONLY));
  CUBE_TRY(const auto out, root_.open_file(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, for_all));
  struct stat st {};
  if (::fstat(in.get(), &st) != 0) return system_error("stat " + root_.join(file));
  const auto size = static_cast<std::uint64_t>(st.st_size);
  std::string piece;
  for (std::uint64_t done = 0; done < size; done += piece.size()) {
    CUBE_CHECK(read_at(in, done, std::min(mib, size - done), piece));
    CUBE_CHECK(write_all(out, piece));
  }
  return sync_file(out);
}

Status ShareFolder::add_pack(const std::string& file, const std::string& path) {
  const std::string to = below(path);
  CUBE_CHECK(root_.make_dirs(folder_of(to)));
  CUBE_CHECK(root_.remove_file(unfinished(to)));
  if (!link_file(root_, file, unfinished(to))) CUBE_CHECK(copy(file, unfinished(to)));
  CUBE_CHECK(rename_file(root_, unfinished(to), to));
  return prune(name_of(folder_of(path)));
}

Status ShareFolder::add_text(const std::string& path, const std::string& text) {
  CUBE_CHECK(root_.make_dirs(folder_of(below(path))));
  const auto before = root_.read_file(below(path), text.size());
  if (before && *before == text) return ok();
  return replace_file(root_, below(path), text, for_all);
}

Status ShareFolder::prune(const std::string& current) const {
  if (mutated("share-never-cleaned")) return ok();
  const std::string folder = below(releases_folder);
  auto releases = shared_releases(root_, folder);
  std::sort(releases.begin(), releases.end(), [&](const Shared& left, const Shared& right) {
    if ((left.name == current) != (right.name == current)) return left.name == current;
    return left.came > right.came;
  });
  std::uint64_t bytes = 0;
  std::size_t kept = 0;
  for (const auto& release : releases) {
    const bool fits = kept < config_.releases && bytes + release.bytes <= config_.max_bytes;
    if (fits || release.name == current) {
      ++kept;
      bytes += release.bytes;
    } else {
      CUBE_CHECK(root_.remove_tree(folder + "/" + release.name));
    }
  }
  return ok();
}

}  // namespace cube
