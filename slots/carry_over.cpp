#include "slots/carry_over.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>

#include "base/io.h"
#include "slots/ostree/attributes.h"

namespace cube {
namespace {

std::string parent_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string name_of(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

Status copy_owner(int folder, const std::string& name, const struct stat& st,
                  const std::string& path) {
  // As an ordinary user everything is ours anyway.
  if (::geteuid() == 0 &&
      ::fchownat(folder, name.c_str(), st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
    return system_error("owner of " + path);
  const std::array<timespec, 2> times{st.st_atim, st.st_mtim};
  if (::utimensat(folder, name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0)
    return system_error("times of " + path);
  return ok();
}

// SELinux labels and whatever else was set.
Status copy_attributes(const Fd& from, const Fd& to, const std::string& path) {
  CUBE_TRY(const auto wanted, attributes_of(from, path));
  CUBE_TRY(const auto present, attributes_of(to, path));
  for (const auto& [name, value] : wanted) {
    const auto at = present.find(name);
    if (at != present.end() && at->second == value) continue;
    if (::fsetxattr(to.get(), name.c_str(), value.data(), value.size(), 0) != 0)
      return system_error("extended attribute " + name + " of " + path);
  }
  return ok();
}

Status copy_file(const RootDir& from, const std::string& path, int folder, const struct stat& st) {
  CUBE_TRY(const auto source, from.open_file(path, O_RDONLY | O_NOFOLLOW));
  const Fd target(::openat(folder, name_of(path).c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!target.valid()) return system_error("create " + path);
  std::array<char, 65536> buffer{};
  for (;;) {
    const auto count = ::read(source.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("read " + path);
    if (count == 0) break;
    auto written =
        write_all(target, std::string_view(buffer.data(), static_cast<std::size_t>(count)));
    if (!written) return std::move(written).error().in(path);
  }
  CUBE_CHECK(copy_owner(folder, name_of(path), st, path));  // takes capabilities away
  if (::fchmod(target.get(), st.st_mode & 07777) != 0) return system_error("mode of " + path);
  return ::geteuid() == 0 ? copy_attributes(source, target, path) : ok();
}

Status copy(const RootDir& from, const RootDir& to, const std::string& path) {
  CUBE_TRY(const auto fd, from.open_file(path, O_PATH | O_NOFOLLOW));
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return system_error("stat " + from.join(path));
  CUBE_CHECK(to.make_dirs(parent_of(path)));
  CUBE_TRY(const auto folder, to.open_file(parent_of(path), O_PATH | O_DIRECTORY));
  if (S_ISREG(st.st_mode)) return copy_file(from, path, folder.get(), st);
  if (S_ISLNK(st.st_mode)) {
    CUBE_TRY(const auto target, from.read_link(path));
    if (::symlinkat(target.c_str(), folder.get(), name_of(path).c_str()) != 0)
      return system_error("link " + path);
    return copy_owner(folder.get(), name_of(path), st, path);
  }
  if (!S_ISDIR(st.st_mode))
    return ok();  // sockets and the like belong to processes, not to systems
  if (::mkdirat(folder.get(), name_of(path).c_str(), 0700) != 0)
    return system_error("make " + path);
  CUBE_TRY(const auto names, from.list(path));
  for (const auto& name : names) CUBE_CHECK(copy(from, to, path + "/" + name));
  CUBE_CHECK(copy_owner(folder.get(), name_of(path), st, path));
  CUBE_TRY(const auto made, to.open_file(path, O_RDONLY | O_DIRECTORY));
  CUBE_TRY(const auto source, from.open_file(path, O_RDONLY | O_DIRECTORY));
  if (::geteuid() == 0) CUBE_CHECK(copy_attributes(source, made, path));
  if (::fchmod(made.get(), st.st_mode & 07777) != 0) return system_error("mode of " + path);
  return ok();
}

bool exists_itself(const RootDir& root, const std::string& path) {
  return root.open_file(path, O_PATH | O_NOFOLLOW).has_value();
}

}  // namespace

Status carry_over(const RootDir& from, const RootDir& to, const std::vector<std::string>& paths) {
  for (const auto& path : paths) {
    if (!exists_itself(from, path)) continue;
    CUBE_CHECK(to.remove_tree(path));
    CUBE_CHECK(copy(from, to, path));
  }
  return ok();
}

bool is_carried_over(const std::string& path, const std::vector<std::string>& paths) {
  for (const auto& carried : paths)
    if (path == carried || path.starts_with(carried + "/")) return true;
  return false;
}

}  // namespace cube
