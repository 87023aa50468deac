#include "slots/initramfs/expand.h"

#include <algorithm>
#include <string>

#include "base/io.h"
#include "slots/initramfs/cpio_image.h"
#include "slots/initramfs/decompress.h"

namespace cube {
namespace {

constexpr std::size_t copied_at_once = 128 * 1024;

// The expanded image while it is written.
class Expansion {
 public:
  Expansion(const CpioImage& from, const Fd& to) : from_(from), to_(to) {}

  // Everything from the image's start to its end. True when something was compressed.
  Result<bool> run() {
    bool expanded = false;
    for (std::uint64_t at = 0; at < from_.size();) {
      CUBE_TRY(const auto archive, from_.after_zeros(at));
      CUBE_CHECK(copy(at, archive));
      if (archive == from_.size()) break;
      CUBE_CHECK(align());
      CUBE_TRY(const auto begin, from_.read(archive, 6));
      if (is_cpio(begin)) {
        CUBE_TRY(at, from_.after_cpio(archive, {}));
        CUBE_CHECK(copy(archive, at));
      } else if (is_compressed(begin)) {
        CUBE_TRY(
            at, decompress(from_.fd(), archive, to_, max_initramfs_bytes - written_, from_.name()));
        CUBE_CHECK(measure());
        expanded = true;
      } else {
        return from_.wrong("is neither cpio nor compressed with gzip, xz, zstd or lz4", archive);
      }
    }
    return expanded;
  }

 private:
  Status measure() {
    CUBE_TRY(const auto so_far, CpioImage::open(to_, from_.name()));
    written_ = so_far.size();
    return ok();
  }

  Status copy(std::uint64_t begin, std::uint64_t end) {
    if (end - begin > max_initramfs_bytes - written_) return from_.wrong("is too large", begin);
    while (begin < end) {
      CUBE_TRY(const auto bytes,
               from_.read(begin, std::min<std::uint64_t>(copied_at_once, end - begin)));
      if (bytes.empty()) return from_.wrong("is cut off", begin);
      CUBE_CHECK(write_all(to_, bytes));
      begin += bytes.size();
      written_ += bytes.size();
    }
    return ok();
  }

  Status align() {
    const auto missing = aligned(written_) - written_;
    written_ += missing;
    return write_all(to_, std::string(missing, '\0'));
  }

  const CpioImage& from_;
  const Fd& to_;
  std::uint64_t written_ = 0;
};

// Only whole cpio archives and zero bytes: what was decompressed was an initramfs.
Status check_expanded(const CpioImage& image) {
  std::uint64_t archives = 0;
  for (std::uint64_t at = 0; at < image.size(); ++archives) {
    CUBE_TRY(at, image.after_zeros(at));
    if (at == image.size()) break;
    if (at % 4 != 0) return image.wrong("expanded: has a cpio archive at an odd place", at);
    CUBE_TRY(at, image.after_cpio(at, {}));
  }
  if (archives == 0) return image.wrong("expanded: has no cpio archive", 0);
  return ok();
}

}  // namespace

Result<bool> expand_initramfs(const Fd& from, const Fd& to, const std::string& name) {
  CUBE_TRY(const auto image, CpioImage::open(from, name));
  CUBE_TRY(const bool expanded, Expansion(image, to).run());
  CUBE_TRY(const auto written, CpioImage::open(to, name));
  CUBE_CHECK(check_expanded(written));
  return expanded;
}

}  // namespace cube
