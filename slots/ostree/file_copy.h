// Inside slots/ostree only: a file of a tree, made from its object or compared with it.
#pragma once

#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "base/root_dir.h"
#include "slots/ostree/inode_header.h"
#include "slots/ostree/object_stream.h"
#include "slots/ostree/repository.h"

namespace cube {

class FileCopier {
 public:
  // The repository outlives it. Errors: failed.
  static Result<FileCopier> open(const Repository& repository);

  // A hard link to the object; a copy where the filesystem allows no more links, or where the
  // repository keeps symlinks as data. Errors: corrupt, no_space, failed.
  Status link(const Sha256& object, const RootDir& folder, const std::string& name) const;
  // A file of its own. Errors: as above.
  Status copy(const Sha256& object, const RootDir& folder, const std::string& name) const;
  // "has another mode", or what else a file has that its object does not have: type, link target,
  // content, and where the repository keeps owners, owner, mode and extended attributes. "" when
  // it is the same in all. Errors: corrupt (the object), failed.
  [[nodiscard]] Result<std::string> difference(const Sha256& object, const RootDir& folder,
                                               const std::string& name, Reading reading) const;

 private:
  FileCopier(const Repository& repository, Fd objects);
  [[nodiscard]] Result<OpenInode> open_object(const Sha256& object) const;
  [[nodiscard]] std::string header_difference(const FileHeader& wanted,
                                              const FileHeader& present) const;

  const Repository* repository_;
  Fd objects_;
  std::unique_ptr<ObjectStream::Buffer> buffer_;
};

}  // namespace cube
