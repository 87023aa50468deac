// Repository: the object store of one slot: a bare libostree repository, or a bare-user one when
// we are not root (ownership and xattrs are then kept as data, not in the inodes).
//
// Not thread-safe. Foreign types stay inside (native() is for this folder only).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "slots/pack/object.h"
#include "slots/slot_store.h"

// libostree's type, opaque here.
struct OstreeRepo;

namespace cube {

// What a check of all objects found.
struct CheckedCommit {
  std::vector<ObjectId> damaged;  // what has to come from elsewhere
  std::map<Sha256, std::pair<std::uint64_t, std::uint64_t>> files;  // device and inode of each
};

// Only this of a release.
struct Part {
  std::string folder;           // "/usr/lib": what is in it, and the way there
  std::uint64_t max_bytes = 0;  // more ends the pull
};

class Repository {
 public:
  // Opens or creates. Errors: no_space, corrupt, failed.
  static Result<Repository> open_bare(const std::string& path);
  // Only to read: also on a read-only filesystem. Errors: not_found, corrupt, failed.
  static Result<Repository> open_bare_to_read(const std::string& path);
  // Archive mode: what publishers serve. Errors: as above.
  static Result<Repository> open_archive(const std::string& path, bool create);
  Repository(Repository&&) noexcept;
  Repository& operator=(Repository&&) noexcept;
  ~Repository();

  // Exactly one commit, by checksum, from an archive repository. Every
  // object is verified as it arrives. `cache` is another bare repository, or "": its objects are
  // copied and verified, too; a damaged one there is fetched from the source instead. Mirrors are
  // asked first, one after the other; each may bring a part. `only`: not all of the commit.
  // Errors: unreachable, corrupt (damaged in the source, or missing there), no_space, failed.
  Status pull(const ObjectSource& source, const std::string& commit, const std::string& cache,
              const ProgressSink& progress, const Part* only = nullptr);

  // Re-reads every object that the commit reaches, those of a bare repository from the device.
  // Errors: corrupt (names the first object), failed.
  Status verify_commit(const std::string& commit, const ProgressSink& progress,
                       CheckedCommit& found) const;
  // The commit is complete; libostree is told so. Errors: failed.
  Status mark_complete(const std::string& commit);
  // The commit object is there and hashes to its name. Errors: failed.
  [[nodiscard]] Result<bool> has_commit(const std::string& commit) const;

  [[nodiscard]] bool keeps_owners() const { return keeps_owners_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] OstreeRepo* native() const { return repo_; }

 private:
  Repository(OstreeRepo* repo, std::string path, bool keeps_owners)
      : repo_(repo), path_(std::move(path)), keeps_owners_(keeps_owners) {}
  static Result<Repository> open(const std::string& path, int mode, bool create);
  struct Server;
  Status pull_once(const Server& server, const std::string& commit, const std::string& cache,
                   const ProgressSink& progress, const Part* only);

  OstreeRepo* repo_ = nullptr;
  std::string path_;
  bool keeps_owners_ = true;
};

}  // namespace cube
