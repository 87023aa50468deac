// The objects of one commit of an archive repository, in the order in which a pack has them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "slots/pack/object.h"

namespace cube {

struct CommitObject {
  ObjectKind kind = ObjectKind::file;
  Sha256 name{};
  std::string path;  // the first one that leads to it, "/usr/bin/true"; "" of the commit
};

struct CommitPath {
  std::string path;
  Sha256 file{};
};

class CommitObjects {
 public:
  // `repository`: path of an archive repository. Errors: not_found, corrupt, failed.
  static Result<CommitObjects> open(const std::string& repository, const std::string& commit);
  CommitObjects(CommitObjects&&) noexcept;
  CommitObjects& operator=(CommitObjects&&) noexcept;
  ~CommitObjects();

  // Each object once: the commit, dirtrees, dirmetas, files, each kind folder by folder.
  [[nodiscard]] const std::vector<CommitObject>& list() const { return list_; }
  // All paths of files, folder by folder; of folders that are the same, those of the first.
  [[nodiscard]] const std::vector<CommitPath>& paths() const { return paths_; }
  // The object's bytes (slots/pack/object.h), unverified: the sink checks them against the name.
  // Errors: corrupt (missing, unreadable), failed, those of the sink.
  Status read(const CommitObject& object, ObjectSink& sink) const;

 private:
  struct Source;
  CommitObjects(std::unique_ptr<Source> source, std::vector<CommitObject> list,
                std::vector<CommitPath> paths);
  std::unique_ptr<Source> source_;
  std::vector<CommitObject> list_;
  std::vector<CommitPath> paths_;
};

}  // namespace cube
