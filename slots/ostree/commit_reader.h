// Inside slots/ostree only: one commit, to be read, and what a folder of it has under a name.
#pragma once

#include <string>

#include "slots/ostree/dir_metas.h"
#include "slots/ostree/file_copy.h"
#include "slots/ostree/object_reader.h"
#include "slots/ostree/repository.h"
#include "slots/ostree/tree_objects.h"

namespace cube {

// A commit, and the repository that holds all of its objects.
struct CommitAt {
  const Repository& repository;
  std::string commit;
};

inline constexpr std::size_t max_account_table = 4 * 1024 * 1024;  // bytes

// Errors of all: corrupt (an object is missing, or none), failed.
class CommitReader {
 public:
  // The repository outlives it.
  static Result<CommitReader> open(const CommitAt& at);

  // nullptr: an empty one.
  Result<DirTree> listing(const TreeFolder* folder);
  Result<DirMeta> meta(const TreeFolder& folder) { return metas_.load(reader_, folder.meta); }
  // Of the root.
  Result<DirTree> top(const std::string& commit);
  // The file of that name in `folder` is this object.
  Result<bool> is(const TreeFile& file, const RootDir& folder);
  // Of at most max_account_table bytes. Puts a file into `scratch` for a moment.
  [[nodiscard]] Result<std::string> content(const TreeFile& file, const RootDir& scratch) const;

  [[nodiscard]] const FileCopier& copier() const { return copier_; }
  [[nodiscard]] bool keeps_owners() const { return keeps_owners_; }

 private:
  CommitReader(ObjectReader reader, FileCopier copier, bool keeps_owners)
      : reader_(std::move(reader)), copier_(std::move(copier)), keeps_owners_(keeps_owners) {}
  ObjectReader reader_;
  FileCopier copier_;
  DirMetas metas_;
  bool keeps_owners_;
};

// What one side has under a name: a file (or link), a folder, or neither.
struct Has {
  const TreeFile* file = nullptr;
  const TreeFolder* folder = nullptr;

  [[nodiscard]] bool any() const { return file != nullptr || folder != nullptr; }
};
[[nodiscard]] Has find(const DirTree& tree, const std::string& name);
[[nodiscard]] bool same(const Has& one, const Has& two);
// What a damaged or missing listing can no longer say: nothing is known of it.
[[nodiscard]] DirTree known(Result<DirTree> listing);

}  // namespace cube
