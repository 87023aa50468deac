#include "boot/efi/kernel_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>

#include "base/io.h"

namespace cube {

Result<Fd> open_kernel_file(const RootDir& tree, const std::string& path) {
  CUBE_TRY(auto file, tree.open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat st {};
  if (::fstat(file.get(), &st) != 0) return system_error("stat " + path);
  if (!S_ISREG(st.st_mode) || st.st_size == 0)
    return Error{Errc::corrupt, path + " is empty, or no file"};
  return file;
}

Result<std::uint64_t> size_of(const Fd& file) {
  struct stat st {};
  if (::fstat(file.get(), &st) != 0) return system_error("stat");
  return static_cast<std::uint64_t>(st.st_size);
}

Status in_pieces(const Fd& file,
                 const std::function<Status(std::uint64_t at, const std::string& bytes)>& take) {
  constexpr std::size_t piece = 256 * 1024;
  CUBE_TRY(const auto size, size_of(file));
  std::string bytes;
  for (std::uint64_t at = 0; at < size; at += bytes.size()) {
    CUBE_CHECK(read_at(file, at, std::min<std::uint64_t>(piece, size - at), bytes));
    CUBE_CHECK(take(at, bytes));
  }
  return ok();
}

Status same_bytes(const Fd& original, const Fd& copy, std::uint64_t offset) {
  (void)::posix_fadvise(copy.get(), 0, 0, POSIX_FADV_DONTNEED);
  std::string others;
  return in_pieces(original, [&](std::uint64_t at, const std::string& bytes) -> Status {
    CUBE_CHECK(read_at(copy, offset + at, bytes.size(), others));
    if (bytes == others) return ok();
    return Error{Errc::corrupt, "the copy differs from the slot's file"};
  });
}

Status has_room(const RootDir& root, const std::string& folder, std::uint64_t bytes) {
  constexpr std::uint64_t spare = 256 * 1024;
  CUBE_TRY(const auto opened, root.open_file(folder, O_RDONLY | O_DIRECTORY));
  struct statvfs room {};
  if (::fstatvfs(opened.get(), &room) != 0) return system_error("free space");
  const std::uint64_t free = static_cast<std::uint64_t>(room.f_bavail) * room.f_frsize;
  if (free >= bytes + spare) return ok();
  return Error{Errc::no_space, "the EFI system partition has " + std::to_string(free) +
                                   " bytes free, and " + std::to_string(bytes + spare) +
                                   " are needed"};
}

}  // namespace cube
