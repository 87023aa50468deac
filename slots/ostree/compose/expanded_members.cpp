#include "slots/ostree/compose/expanded_members.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>

#include "slots/initramfs/expand.h"
#include "slots/ostree/compose/kernel_modules.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

Result<std::vector<std::string>> initramfs_images(const std::string& tree) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator i(tree + "/boot", error), end; !error && i != end;
       i.increment(error)) {
    const std::string name = i->path().filename().string();
    const bool named = name.starts_with("initrd") || name.starts_with("initramfs");
    if (named && fs::is_regular_file(i->symlink_status(error))) paths.push_back("/boot/" + name);
  }
  if (error) return system_error("read " + tree + "/boot", error.value());
  std::sort(paths.begin(), paths.end());
  return paths;
}

Status expand_initramfs_images(const std::string& tree, const std::string& scratch,
                               std::vector<ExpandedMember>& members) {
  CUBE_TRY(const auto paths, initramfs_images(tree));
  for (const auto& path : paths) {
    CUBE_TRY(const auto from, open_member(tree + path));
    CUBE_TRY(const auto to, create_member(scratch + path));
    CUBE_TRY(const bool expanded, expand_initramfs(from, to, path));
    if (expanded) members.push_back({path, path, scratch + path});
  }
  return ok();
}

}  // namespace

Result<Fd> open_member(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return system_error("open " + path);
  return fd;
}

Result<Fd> create_member(const std::string& path) {
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  if (error) return system_error("make the folder of " + path, error.value());
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid()) return system_error("create " + path);
  return fd;
}

Result<std::vector<ExpandedMember>> expand_members(const std::string& tree,
                                                   const ExpandOptions& options,
                                                   const std::string& scratch) {
  std::vector<ExpandedMember> members;
  if (options.initramfs) CUBE_CHECK(expand_initramfs_images(tree, scratch, members));
  if (options.modules) CUBE_CHECK(expand_modules(tree, scratch, members));
  return members;
}

}  // namespace cube
