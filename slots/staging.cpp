#include "slots/staging.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <string>

namespace cube {
namespace {

constexpr std::uint64_t mib = 1024 * 1024;

std::string in_mib(std::uint64_t bytes) {
  return std::to_string((bytes + mib - 1) / mib) + " MiB";
}

// The folder itself, or the nearest one above it that exists.
Result<Fd> open_nearest(const RootDir& root, std::string path) {
  for (;;) {
    auto folder = root.open_file(path.empty() ? "." : path, O_RDONLY | O_DIRECTORY);
    if (folder || path.empty() || folder.error().code != Errc::not_found) return folder;
    const auto slash = path.rfind('/');
    path.resize(slash == std::string::npos ? 0 : slash);
  }
}

}  // namespace

Status check_staging(const RootDir& root, const ObjectSource& source, std::uint64_t total,
                     std::uint64_t missing) {
  const std::string folder = root.join(source.staging);
  if (source.staging_max > 0 && total > source.staging_max)
    return Error{Errc::no_space, "the download takes " + in_mib(total) + " in " + folder +
                                     ", which may hold " + in_mib(source.staging_max) +
                                     "; raise source.staging-max, or run `cube-update apply`, "
                                     "which needs no such room"};
  CUBE_TRY(const auto nearest, open_nearest(root, source.staging));
  struct statvfs fs {};
  if (::fstatvfs(nearest.get(), &fs) != 0) return system_error("space of " + folder);
  const std::uint64_t available = static_cast<std::uint64_t>(fs.f_bavail) * fs.f_frsize;
  if (missing + staging_spare_bytes > available)
    return Error{Errc::no_space, "the download needs " + in_mib(missing) + " and " +
                                     in_mib(staging_spare_bytes) + " to spare in " + folder +
                                     ", where only " + in_mib(available) +
                                     " are free; make room there, or run `cube-update apply`, "
                                     "which downloads into the slot"};
  return ok();
}

}  // namespace cube
