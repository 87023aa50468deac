// Compose: a root tree becomes a commit in the archive repository that a publisher serves.
//
// The same tree, options and timestamp give the same commit. Left out: /ostree, /.cube, and what is
// inside /proc, /sys, /dev, /run and /tmp (the folders stay). Refused: device nodes, sockets,
// fifos; a tree without /boot/vmlinuz and /boot/initrd.img, unless /boot holds exactly one
// vmlinuz-VERSION and its initrd.img-VERSION or initramfs-VERSION.img: then links of those names
// are added.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "slots/ostree/compose/expanded_members.h"
#include "slots/ostree/repository.h"

namespace cube {

// A file that is made of the tree and becomes part of the release, in place of one that the tree
// may have there. A tree whose folders on the way to it are none (links, files) gets none.
struct MadeFile {
  std::string path;  // "/usr/lib/cube-update/inventory.json"
  // Its text. `scratch`: a private folder, removed afterwards. Errors: its own.
  std::function<Result<std::string>(const std::string& tree, const std::string& scratch)> make;
};

struct ComposeOptions {
  std::string ref;            // name of the branch: the release's name
  UnixSeconds timestamp = 0;  // of the commit: the release's build time
  bool keep_owners = true;    // false: everything belongs to root
  ExpandOptions expand = {};  // what the release holds uncompressed
  std::vector<MadeFile> made = {};
};

struct Composed {
  std::string commit;
  std::uint64_t tree_bytes = 0;
  std::uint64_t tree_inodes = 0;
  std::string kernel_release;  // "" when there is not exactly one folder in lib/modules
};

// Whether a path as "/proc/1" is no part of a release.
[[nodiscard]] bool is_left_out_of_release(const std::string& path);

class ArchiveRepository {
 public:
  // Errors: failed, no_space; open(): not_found, corrupt, too.
  static Result<ArchiveRepository> create(const std::string& path);
  static Result<ArchiveRepository> open(const std::string& path);

  // The folder is only read. Errors: invalid (no bootable tree: says what is missing; a member that
  // cannot be expanded), no_space, failed.
  Result<Composed> commit_tree(const std::string& folder, const ComposeOptions& options);
  // Unpacks a tar (any compression libarchive knows) into a private folder first.
  // Errors: as above, invalid (a path that leaves the folder, too many or too large members).
  Result<Composed> commit_tar(const std::string& file, const ComposeOptions& options);
  // Errors: failed.
  [[nodiscard]] Result<bool> has_commit(const std::string& checksum) const {
    return repository_.has_commit(checksum);
  }
  // Every object of the commit re-read. Errors: corrupt, failed.
  Status verify_commit(const std::string& commit) const;

 private:
  explicit ArchiveRepository(Repository repository) : repository_(std::move(repository)) {}
  Repository repository_;
};

}  // namespace cube
