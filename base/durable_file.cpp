#include "base/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>

#include "base/io.h"

namespace cube {
namespace {

std::pair<std::string, std::string> split(const std::string& path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return {".", path};
  return {path.substr(0, slash + 1), path.substr(slash + 1)};
}

}  // namespace

Status replace_file(const RootDir& root, const std::string& path, std::string_view content,
                    mode_t mode) {
  const auto [folder, name] = split(path);
  const std::string where = root.join(path);
  CUBE_TRY(auto dir, root.open_file(folder, O_RDONLY | O_DIRECTORY));
  const std::string temporary = "." + name + ".new";
  Fd file(::openat(dir.get(), temporary.c_str(),
                   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file.valid()) return system_error("create " + where);
  auto written = write_all(file, content);
  if (written) written = sync_file(file);
  if (!written) {
    ::unlinkat(dir.get(), temporary.c_str(), 0);
    return std::move(written).error().in(where);
  }
  if (::renameat(dir.get(), temporary.c_str(), dir.get(), name.c_str()) != 0)
    return system_error("rename to " + where);
  auto synced = sync_file(dir);
  if (!synced) return std::move(synced).error().in(root.join(folder));
  return ok();
}

Status overwrite_in_place(const RootDir& root, const std::string& path, std::string_view content) {
  const std::string where = root.join(path);
  CUBE_TRY(auto file, root.open_file(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK));
  struct stat st {};
  if (::fstat(file.get(), &st) != 0) return system_error("stat " + where);
  if (!S_ISREG(st.st_mode) || st.st_size != static_cast<off_t>(content.size()))
    return Error{Errc::corrupt, where + ": not a file of " + std::to_string(content.size()) +
                                    " bytes, so it is not written in place"};
  auto written = write_at(file, content, 0);
  if (written) written = sync_file(file);
  if (!written) return std::move(written).error().in(where);
  CUBE_TRY(auto back, read_all(file, content.size()));
  if (back != content)
    return Error{Errc::corrupt, where + ": read back differs from what was written"};
  return ok();
}

Status sync_folder(const RootDir& root, const std::string& path) {
  CUBE_TRY(auto dir, root.open_file(path, O_RDONLY | O_DIRECTORY));
  auto synced = sync_file(dir);
  if (!synced) return std::move(synced).error().in(root.join(path));
  return ok();
}

}  // namespace cube
