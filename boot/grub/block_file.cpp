#include "boot/grub/block_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/durable_file.h"
#include "base/io.h"
#include "base/mutation.h"
#include "boot/grub/env_block.h"

namespace cube {
namespace {

// Missing, of another length, or a symlink.
Status write_anew(const RootDir& root, const std::string& path, const std::string& bytes,
                  bool is_symlink) {
  const std::string folder = path.substr(0, path.find_last_of('/') + 1);
  if (!folder.empty() && !root.exists(folder))
    return Error{Errc::cannot_arm, "its folder does not exist; mount the boot partition"};
  if (is_symlink) CUBE_CHECK(root.remove_file(path));
  CUBE_TRY(const auto file, root.open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0644));
  struct stat st {};
  if (::fstat(file.get(), &st) != 0) return system_error("stat");
  if (!S_ISREG(st.st_mode)) return Error{Errc::failed, "is not a regular file; remove it"};
  if (::ftruncate(file.get(), static_cast<off_t>(bytes.size())) != 0)
    return system_error("set its length");
  CUBE_CHECK(write_at(file, bytes, 0));
  CUBE_CHECK(sync_file(file));
  CUBE_CHECK(sync_folder(root, folder.empty() ? "." : folder));
  CUBE_TRY(const auto back, read_block(root, path));
  if (back != bytes) return Error{Errc::failed, "read back differs from what was written"};
  return ok();
}

}  // namespace

Result<std::string> read_block(const RootDir& root, const std::string& path) {
  auto file = root.open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (!file && file.error().sys_errno == ELOOP)
    return Error{Errc::corrupt, "is a symbolic link", ELOOP};
  if (!file) return std::move(file).error();
  struct stat st {};
  if (::fstat(file->get(), &st) != 0) return system_error("stat");
  if (!S_ISREG(st.st_mode)) return Error{Errc::corrupt, "is not a regular file"};
  return read_all(*file, env_block_bytes);
}

Status write_block(const RootDir& root, const std::string& path, const std::string& bytes) {
  if (mutated("grub-not-in-place")) return replace_file(root, path, bytes);
  const auto old = read_block(root, path);
  if (old && old->size() == bytes.size()) return overwrite_in_place(root, path, bytes);
  return write_anew(root, path, bytes, !old && old.error().sys_errno == ELOOP);
}

}  // namespace cube
