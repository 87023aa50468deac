#include "base/root_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "base/io.h"

namespace cube {
namespace {

std::string relative(const std::string& path) {
  const auto start = path.find_first_not_of('/');
  return start == std::string::npos ? "." : path.substr(start);
}

int open_in_root(int root, const std::string& path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags | O_CLOEXEC));
  how.mode = (flags & (O_CREAT | O_TMPFILE)) ? mode : 0;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: somebody renames or mounts while ".." is followed, and the kernel is not sure.
  // openat2(2) says to try again; the bound is only there to have one.
  long opened = -1;
  for (int tries = 0; tries < 10000; ++tries) {
    opened = ::syscall(SYS_openat2, root, relative(path).c_str(), &how, sizeof(how));
    if (opened >= 0 || errno != EAGAIN) break;
  }
  return static_cast<int>(opened);
}

std::pair<std::string, std::string> split(const std::string& path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return {".", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using Dir = std::unique_ptr<DIR, DirCloser>;

Result<Dir> open_listing(Fd fd, const std::string& path) {
  Dir dir(::fdopendir(fd.get()));
  if (!dir) return system_error("list " + path);
  (void)fd.release();
  return dir;
}

// Some filesystems leave the type to stat().
DirEntry::Type type_of(int folder, const dirent& entry) {
  auto mode = static_cast<mode_t>(DTTOIF(entry.d_type));
  struct stat st {};
  if (entry.d_type == DT_UNKNOWN &&
      ::fstatat(folder, entry.d_name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0)
    mode = st.st_mode;
  if (S_ISREG(mode)) return DirEntry::Type::file;
  if (S_ISDIR(mode)) return DirEntry::Type::folder;
  if (S_ISLNK(mode)) return DirEntry::Type::link;
  return DirEntry::Type::other;
}

Status remove_below(int parent, const std::string& name, dev_t device, const std::string& path) {
  Fd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT) return ok();
    if (errno != ENOTDIR && errno != ELOOP) return system_error("open " + path);
    if (::unlinkat(parent, name.c_str(), 0) != 0 && errno != ENOENT)
      return system_error("remove " + path);
    return ok();
  }
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return system_error("stat " + path);
  if (st.st_dev != device)
    return Error{Errc::failed, path + ": another filesystem is mounted here"};
  const int dir_fd = fd.get();
  CUBE_TRY(auto dir, open_listing(std::move(fd), path));
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string child = entry->d_name;
    if (child == "." || child == "..") continue;
    CUBE_CHECK(remove_below(dir_fd, child, device, path + "/" + child));
  }
  dir.reset();
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
    return system_error("remove " + path);
  return ok();
}

}  // namespace

Result<RootDir> RootDir::open(const std::string& path) {
  Fd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return system_error("open folder " + path);
  std::string clean = path;
  while (clean.size() > 1 && clean.back() == '/') clean.pop_back();
  return RootDir(std::move(fd), std::move(clean));
}

Result<RootDir> RootDir::clone() const {
  return below(".");
}

Result<RootDir> RootDir::below(const std::string& path) const {
  CUBE_TRY(auto fd, open_file(path, O_PATH | O_DIRECTORY));
  const std::string rest = relative(path);
  return RootDir(std::move(fd), rest == "." ? path_ : join(path));
}

Result<Fd> RootDir::open_file(const std::string& path, int flags, mode_t mode) const {
  Fd fd(open_in_root(fd_.get(), path, flags, mode));
  if (!fd.valid()) return system_error("open " + join(path));
  return fd;
}

Result<std::string> RootDir::read_file(const std::string& path, std::size_t max_bytes) const {
  CUBE_TRY(auto fd, open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return system_error("stat " + join(path));
  if (!S_ISREG(st.st_mode)) return Error{Errc::corrupt, join(path) + ": not a regular file"};
  auto content = read_all(fd, max_bytes);
  if (!content) return std::move(content).error().in(join(path));
  return content;
}

bool RootDir::exists(const std::string& path) const {
  return Fd(open_in_root(fd_.get(), path, O_PATH, 0)).valid();
}

Result<struct stat> RootDir::stat(const std::string& path) const {
  CUBE_TRY(auto fd, open_file(path, O_PATH));
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return system_error("stat " + join(path));
  return st;
}

Result<std::string> RootDir::read_link(const std::string& path) const {
  CUBE_TRY(auto fd, open_file(path, O_PATH | O_NOFOLLOW));
  std::array<char, 4096> target{};
  const auto length = ::readlinkat(fd.get(), "", target.data(), target.size());
  if (length < 0) return system_error("read link " + join(path));
  return std::string(target.data(), static_cast<std::size_t>(length));
}

Result<std::vector<std::string>> RootDir::list(const std::string& path,
                                               std::size_t max_entries) const {
  CUBE_TRY(auto found, entries(path, max_entries));
  std::vector<std::string> names;
  names.reserve(found.size());
  for (auto& entry : found) names.push_back(std::move(entry.name));
  return names;
}

Result<std::vector<DirEntry>> RootDir::entries(const std::string& path,
                                               std::size_t max_entries) const {
  CUBE_TRY(auto fd, open_file(path, O_RDONLY | O_DIRECTORY));
  CUBE_TRY(auto dir, open_listing(std::move(fd), join(path)));
  std::vector<DirEntry> found;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (found.size() == max_entries)
      return Error{Errc::corrupt,
                   join(path) + ": more than " + std::to_string(max_entries) + " entries"};
    found.push_back({std::string(name), entry->d_ino, type_of(::dirfd(dir.get()), *entry)});
  }
  std::sort(found.begin(), found.end(),
            [](const DirEntry& left, const DirEntry& right) { return left.name < right.name; });
  return found;
}

Status RootDir::make_dirs(const std::string& path, mode_t mode) const {
  const std::string whole = relative(path);
  for (std::size_t end = 0; end != std::string::npos;) {
    end = whole.find('/', end + 1);
    const std::string part = whole.substr(0, end);
    if (exists(part)) continue;
    const auto [parent, name] = split(part);
    CUBE_TRY(auto dir, open_file(parent, O_PATH | O_DIRECTORY));
    if (::mkdirat(dir.get(), name.c_str(), mode) != 0 && errno != EEXIST)
      return system_error("make folder " + join(part));
  }
  return ok();
}

Status RootDir::remove_file(const std::string& path) const {
  const auto [parent, name] = split(relative(path));
  auto dir = open_file(parent, O_PATH | O_DIRECTORY);
  if (!dir) {
    if (dir.error().code == Errc::not_found) return ok();
    return std::move(dir).error();
  }
  if (::unlinkat(dir->get(), name.c_str(), 0) != 0 && errno != ENOENT)
    return system_error("remove " + join(path));
  return ok();
}

Status RootDir::remove_tree(const std::string& path) const {
  const auto [parent, name] = split(relative(path));
  auto dir = open_file(parent, O_PATH | O_DIRECTORY);
  if (!dir) {
    if (dir.error().code == Errc::not_found) return ok();
    return std::move(dir).error();
  }
  struct stat st {};
  if (::fstat(dir->get(), &st) != 0) return system_error("stat " + join(parent));
  return remove_below(dir->get(), name, st.st_dev, join(path));
}

std::string RootDir::join(const std::string& path) const {
  const std::string rest = relative(path);
  if (rest == ".") return path_;
  return path_ == "/" ? "/" + rest : path_ + "/" + rest;
}

}  // namespace cube
