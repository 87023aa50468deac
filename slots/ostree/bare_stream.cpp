#include "slots/ostree/bare_stream.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/io.h"
#include "slots/ostree/bare_files.h"

namespace cube {
namespace {

// An object that cannot be read is a damaged one.
Error damaged(Error error) {
  error.code = Errc::corrupt;
  return error;
}

// Some filesystems open files for direct reading, and then do not read so.
bool leave_direct_reading(const Fd& file) {
  const int flags = ::fcntl(file.get(), F_GETFL);
  if (flags < 0 || (flags & O_DIRECT) == 0) return false;
  (void)::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
  return ::fcntl(file.get(), F_SETFL, flags & ~O_DIRECT) == 0;
}

ssize_t read_piece(const Fd& file, ObjectStream::Buffer& buffer, std::uint64_t offset) {
  for (;;) {
    const auto count =
        ::pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (count >= 0) return count;
    if (errno == EINTR || (errno == EINVAL && leave_direct_reading(file))) continue;
    return count;
  }
}

}  // namespace

Result<BareStream> BareStream::open(const Fd& objects, const ObjectId& id, Reading reading,
                                    ObjectStream::Buffer& buffer) {
  auto inode = open_inode(objects.get(), bare_file(id), reading);
  if (!inode) return damaged(std::move(inode).error());
  if (id.kind == ObjectKind::file) {
    auto header = file_header_bytes(inode->header);
    return BareStream(std::move(*inode), std::move(header), buffer);
  }
  if (!inode->file.valid()) return Error{Errc::corrupt, "is a symlink"};
  return BareStream(std::move(*inode), "", buffer);
}

Result<std::string_view> BareStream::next() {
  if (!header_given_ && !header_.empty()) {
    header_given_ = true;
    return std::string_view(header_);
  }
  if (done_ == inode_.size) return std::string_view();
  const auto count = read_piece(inode_.file, *buffer_, done_);
  if (count < 0) return damaged(system_error("read"));
  done_ += static_cast<std::uint64_t>(count);
  if (count == 0 || done_ > inode_.size) return Error{Errc::corrupt, "is not as long as it says"};
  return std::string_view(buffer_->data(), static_cast<std::size_t>(count));
}

}  // namespace cube
