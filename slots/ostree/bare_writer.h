// BareWriter: writes objects into a bare repository, each as libostree would: owner, mode, extended
// attributes and content in one inode, time 0.
//
// An object gets its name when it is whole; nothing is synced: after a power cut an object may be
// there without its content, so what was not synced by the caller has to be verified before it is
// relied on. Not thread-safe; several writers may work on one repository.
#pragma once

#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "slots/pack/object.h"

namespace cube {

class BareWriter final : public ObjectSink {
 public:
  // `repository`: path of a bare one (not bare-user), on which the process may give files away.
  // Errors: not_found, failed.
  static Result<BareWriter> open(const std::string& repository);
  // What a writer that was cut off left behind. Errors: failed.
  static Status clean(const std::string& repository);

  BareWriter(BareWriter&&) noexcept = default;
  BareWriter& operator=(BareWriter&&) = delete;
  ~BareWriter() override;

  // Errors: corrupt (a header without sense), no_space, failed.
  Status begin(const PackObject& object) override;
  Status write(std::string_view bytes) override;
  Status end() override;
  Status lose() override;

 private:
  BareWriter(Fd repository, std::string unfinished)
      : repository_(std::move(repository)), unfinished_(std::move(unfinished)) {}
  Status take_header(std::string_view& bytes);
  Status remove_unfinished();

  Fd repository_;
  std::string unfinished_;  // the file that is being written, below the repository
  PackObject object_;
  std::string header_;  // of a file or symlink
  std::size_t header_bytes_ = 0;
  std::uint64_t written_ = 0;  // of the content
  Fd file_;
};

}  // namespace cube
