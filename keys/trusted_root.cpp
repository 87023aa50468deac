#include "keys/trusted_root.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mutation.h"

namespace cube {
namespace {

Error untrusted(const std::string& what) {
  return {Errc::untrusted, what};
}

// Of the trusted root and its folder. A process without root rights works on a folder of its
// user's, where owner and group say nothing.
Status check_owner(const struct stat& st) {
  if (mutated("root-of-others-accepted")) return ok();
  if ((st.st_mode & S_IWOTH) != 0) return untrusted("writable by group or others");
  if (::geteuid() != 0) return ok();
  if (st.st_uid != 0) return untrusted("not owned by root");
  if ((st.st_mode & S_IWGRP) != 0) return untrusted("writable by group or others");
  return ok();
}

// Who can write to the folder can exchange the file.
Status check_folder(const RootDir& root, const std::string& path) {
  const auto slash = path.find_last_of('/');
  CUBE_TRY(const struct stat st,
           root.stat(slash == std::string::npos ? "." : path.substr(0, slash)));
  auto owned = check_owner(st);
  if (!owned) return std::move(owned).error().in("its folder");
  return ok();
}

}  // namespace

Result<Root> read_trusted_root(const RootDir& root, const std::string& path) {
  CUBE_CHECK(check_folder(root, path));
  CUBE_TRY(const auto file, root.open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  struct stat st {};
  if (::fstat(file.get(), &st) != 0) return system_error("stat");
  if (!S_ISREG(st.st_mode)) return untrusted("not a regular file");
  CUBE_CHECK(check_owner(st));
  CUBE_TRY(const auto text, read_all(file, max_metadata_bytes));
  CUBE_TRY(Root parsed, parse_root(text));
  CUBE_CHECK(check_signatures(parsed, parsed, "root"));
  return parsed;
}

}  // namespace cube
