// RootDir: a directory that paths cannot leave. Every adapter gets one instead of knowing "/":
// the same code runs on a real appliance and on one laid out in a folder.
//
// Paths are relative to the root ("etc/machine-id"; a leading '/' is allowed and means the same).
// Resolution is openat2(RESOLVE_IN_ROOT): symlinks, absolute ones too, stay inside the root, as in a
// chroot. Thread-safe; immutable after open.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace cube {

// One name in a folder, as the folder itself has it.
struct DirEntry {
  enum class Type : std::uint8_t { file, folder, link, other };
  std::string name;
  std::uint64_t inode = 0;
  Type type = Type::other;
};

class RootDir {
 public:
  // Errors: not_found, failed.
  static Result<RootDir> open(const std::string& path);
  // The root of the running system.
  static Result<RootDir> running_system() { return open("/"); }

  // A second handle on the same root.
  [[nodiscard]] Result<RootDir> clone() const;
  // A RootDir on a folder below this one. Errors: not_found, failed.
  [[nodiscard]] Result<RootDir> below(const std::string& path) const;

  // open(2) inside the root; O_CLOEXEC is added. Errors: not_found, no_space, failed.
  [[nodiscard]] Result<Fd> open_file(const std::string& path, int flags, mode_t mode = 0) const;

  // The whole content. Refuses anything that is not a regular file (pseudo-files are regular), and
  // more than max_bytes. Errors: not_found, corrupt (too large, not a file), failed.
  [[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t max_bytes) const;

  // True when the path resolves to something.
  [[nodiscard]] bool exists(const std::string& path) const;
  // Follows symlinks. Errors: not_found, failed.
  [[nodiscard]] Result<struct stat> stat(const std::string& path) const;
  // Target of a symlink. Errors: not_found, failed.
  [[nodiscard]] Result<std::string> read_link(const std::string& path) const;

  // Names in a folder, sorted, without "." and ".."; at most max_entries.
  // Errors: not_found, corrupt (more entries), failed.
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& path,
                                                      std::size_t max_entries = 100000) const;
  // The same with what else the folder tells of them. A mount point has the inode that it hides.
  [[nodiscard]] Result<std::vector<DirEntry>> entries(const std::string& path,
                                                      std::size_t max_entries = 100000) const;

  // Creates the folder and its parents; a folder already there is fine. Errors: no_space, failed.
  Status make_dirs(const std::string& path, mode_t mode = 0755) const;
  // Removes one file or symlink; absent is fine. Errors: failed.
  Status remove_file(const std::string& path) const;
  // Removes a tree, not following symlinks and not crossing mounts; absent is fine. Errors: failed.
  Status remove_tree(const std::string& path) const;

  [[nodiscard]] const std::string& path() const { return path_; }  // for messages and for libraries
                                                                   // that want a path
  [[nodiscard]] int fd() const { return fd_.get(); }
  // "ROOT/path" for a library that takes only paths. Does not resolve symlinks inside the root.
  [[nodiscard]] std::string join(const std::string& path) const;

 private:
  RootDir(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Fd fd_;
  std::string path_;
};

}  // namespace cube
