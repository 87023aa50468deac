#include "slots/ostree/inode_header.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/mutation.h"

namespace cube {
namespace {

// For calls that take no descriptor of a symlink: paths of the proc filesystem lead to the folder.
std::string path_of(int folder, const std::string& name) {
  return "/proc/self/fd/" + std::to_string(folder) + "/" + name;
}

// Reading must not change the inode (it would be written again only for that), and must not wait
// for whatever somebody put here instead of a file.
constexpr int reading_flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

Fd open_to_read(int folder, const std::string& name, Reading reading) {
  if (mutated("verify-reads-memory")) reading = Reading::cached;
  int flags = reading_flags | O_NOATIME;
  if (reading == Reading::from_device) flags |= O_DIRECT;
  Fd file(::openat(folder, name.c_str(), flags));
  if (file.valid() || (errno != EINVAL && errno != EPERM)) return file;
  // No direct reading here, or the file is another user's.
  file = Fd(::openat(folder, name.c_str(), reading_flags));
  if (file.valid() && reading == Reading::from_device)
    (void)::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
  return file;
}

Result<OpenInode> open_link(int folder, const std::string& name) {
  OpenInode link;
  struct stat st {};
  if (::fstatat(folder, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
    return system_error("stat " + name);
  std::array<char, 4096> target{};
  const auto length = ::readlinkat(folder, name.c_str(), target.data(), target.size());
  if (length < 0) return system_error("read link " + name);
  link.header = {st.st_uid,
                 st.st_gid,
                 st.st_mode,
                 std::string(target.data(), static_cast<std::size_t>(length)),
                 {}};
  CUBE_TRY(link.header.attributes, attributes_of_link(path_of(folder, name)));
  link.device = st.st_dev;
  link.inode = st.st_ino;
  return link;
}

}  // namespace

Result<OpenInode> open_inode(int folder, const std::string& name, Reading reading) {
  OpenInode found;
  found.file = open_to_read(folder, name, reading);
  if (!found.file.valid()) return errno == ELOOP ? open_link(folder, name) : system_error("open");
  struct stat st {};
  if (::fstat(found.file.get(), &st) != 0) return system_error("stat " + name);
  if (!S_ISREG(st.st_mode)) return Error{Errc::corrupt, "neither a file nor a symlink"};
  found.header = {st.st_uid, st.st_gid, st.st_mode, "", {}};
  CUBE_TRY(found.header.attributes, attributes_of(found.file, name));
  found.size = static_cast<std::uint64_t>(st.st_size);
  found.device = st.st_dev;
  found.inode = st.st_ino;
  return found;
}

// Writing content takes set-user-ID bits and capabilities away, giving a file away takes them away,
// too; so content, then owner, then attributes, then mode.
Status give_header(const Fd& file, const FileHeader& header) {
  if (::fchown(file.get(), header.uid, header.gid) != 0) return system_error("owner");
  for (const auto& [name, value] : header.attributes)
    if (::fsetxattr(file.get(), name.c_str(), value.data(), value.size(), 0) != 0)
      return system_error("extended attribute " + name);
  if (::fchmod(file.get(), header.mode & ~static_cast<std::uint32_t>(S_IFMT)) != 0)
    return system_error("mode");
  const struct timespec never_changed[2] = {};
  if (::futimens(file.get(), never_changed) != 0) return system_error("time");
  return ok();
}

Status make_link(int folder, const std::string& name, const FileHeader& header) {
  if (::symlinkat(header.target.c_str(), folder, name.c_str()) != 0) return system_error("symlink");
  if (::fchownat(folder, name.c_str(), header.uid, header.gid, AT_SYMLINK_NOFOLLOW) != 0)
    return system_error("owner");
  const auto path = path_of(folder, name);
  for (const auto& [attribute, value] : header.attributes)
    if (::lsetxattr(path.c_str(), attribute.c_str(), value.data(), value.size(), 0) != 0)
      return system_error("extended attribute " + attribute);
  return ok();
}

}  // namespace cube
