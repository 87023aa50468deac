// ArchiveFiles: the contents of the file objects of an archive repository.
//
// An archive's objects are compressed as a whole. So of a large one that is read in parts a copy is
// kept in a nameless file of the repository's tmp/ as long as this object lives.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "slots/pack/base_objects.h"

namespace cube {

// Not thread-safe; one for each thread.
class ArchiveFiles : public BaseObjects {
 public:
  // `repository`: path of an archive repository. Errors: not_found, corrupt, failed.
  static Result<ArchiveFiles> open(const std::string& repository);
  ArchiveFiles(ArchiveFiles&&) noexcept;
  ArchiveFiles& operator=(ArchiveFiles&&) noexcept;
  ~ArchiveFiles() override;

  // Bytes of the content; 0 for a symlink. Errors: corrupt (missing, unreadable), failed.
  [[nodiscard]] Result<std::uint64_t> size(const Sha256& name) const;
  // The whole content in pieces of any size. Errors: as size(), and those of `take`.
  Status each(const Sha256& name, const std::function<Status(std::string_view)>& take) const;
  // Errors also: no_space (for the copy).
  Status read(const Sha256& name, std::uint64_t size, std::uint64_t offset, std::size_t length,
              std::string& bytes) override;

 private:
  struct Source;
  explicit ArchiveFiles(std::unique_ptr<Source> source);
  std::unique_ptr<Source> source_;
};

}  // namespace cube
