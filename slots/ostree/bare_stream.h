// Inside slots/ostree only: the bytes of one object (slots/pack/object.h) out of a bare repository,
// whose inodes have what libostree would put into a header.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "slots/ostree/inode_header.h"
#include "slots/ostree/object_stream.h"

namespace cube {

class BareStream {
 public:
  // `header`, then the content of `inode`; a symlink has none. `buffer` outlives the stream.
  BareStream(OpenInode inode, std::string header, ObjectStream::Buffer& buffer)
      : inode_(std::move(inode)), header_(std::move(header)), buffer_(&buffer) {}
  // `objects`: the folder objects/; `buffer` outlives the stream. Errors: corrupt (missing,
  // unreadable, neither file nor symlink).
  static Result<BareStream> open(const Fd& objects, const ObjectId& id, Reading reading,
                                 ObjectStream::Buffer& buffer);

  [[nodiscard]] std::uint64_t length() const { return header_.size() + inode_.size; }
  [[nodiscard]] const OpenInode& inode() const { return inode_; }
  // The next piece, valid until the next call; empty at the end. Errors: corrupt (unreadable, not
  // as long as it says).
  Result<std::string_view> next();

 private:
  OpenInode inode_;
  std::string header_;  // of a file object
  bool header_given_ = false;
  std::uint64_t done_ = 0;  // of the content
  ObjectStream::Buffer* buffer_;
};

}  // namespace cube
