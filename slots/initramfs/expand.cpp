#include "slots/ostree/compose/initramfs.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/io.h"
#include "slots/ostree/compose/decompress.h"

namespace cube {
namespace {

constexpr std::size_t header_bytes = 110;  // of "newc": a magic of 6 and 13 numbers of 8 hex digits
constexpr std::size_t max_name = 4096;     // PATH_MAX, as the kernel
constexpr std::size_t copied_at_once = 128 * 1024;

std::uint64_t aligned(std::uint64_t position) {
  return (position + 3) & ~std::uint64_t{3};
}

bool is_cpio(std::string_view begin) {
  return begin.starts_with("070701") || begin.starts_with("070702");
}

// A file, read by position, with errors that name it.
class Image {
 public:
  Image(const Fd& fd, std::string name, std::uint64_t size)
      : fd_(fd), name_(std::move(name)), size_(size) {}

  static Result<Image> open(const Fd& fd, const std::string& name) {
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return system_error("stat " + name);
    return Image(fd, name, static_cast<std::uint64_t>(st.st_size));
  }

  // Fewer bytes at the end of the file.
  [[nodiscard]] Result<std::string> read(std::uint64_t at, std::size_t count) const {
    std::string bytes(count, '\0');
    std::size_t have = 0;
    while (have < count) {
      const auto n =
          ::pread(fd_.get(), bytes.data() + have, count - have, static_cast<off_t>(at + have));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error("read " + name_);
      if (n == 0) break;
      have += static_cast<std::size_t>(n);
    }
    bytes.resize(have);
    return bytes;
  }

  // The first position from `at` on with another byte than zero, or the end.
  [[nodiscard]] Result<std::uint64_t> after_zeros(std::uint64_t at) const {
    for (;;) {
      CUBE_TRY(const auto bytes, read(at, copied_at_once));
      const auto other = bytes.find_first_not_of('\0');
      if (other != std::string::npos) return at + other;
      if (bytes.empty()) return at;
      at += bytes.size();
    }
  }

  // The position after the last member of the cpio archive at `at`.
  [[nodiscard]] Result<std::uint64_t> after_cpio(std::uint64_t at) const {
    const std::uint64_t start = at;
    for (;;) {
      CUBE_TRY(const auto header, read(at, header_bytes));
      const auto file_size = number(header, 54);
      const auto name_size = number(header, 94);
      if (!is_cpio(header) || !file_size || !name_size || *name_size == 0 || *name_size > max_name)
        return wrong("has a damaged cpio archive", at);
      CUBE_TRY(const auto member, read(at + header_bytes, *name_size));
      // Lengths are counted from the start of the archive; it lies at a multiple of 4.
      const auto data = start + aligned(at - start + header_bytes + *name_size);
      const auto end = data + *file_size;
      if (end > size_ || member.size() != *name_size) return wrong("is cut off", at);
      if (member == std::string_view("TRAILER!!!", 11)) return end;
      at = start + aligned(end - start);
    }
  }

  [[nodiscard]] Error wrong(const std::string& what, std::uint64_t at) const {
    return {Errc::invalid, name_ + ": " + what + " at byte " + std::to_string(at)};
  }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const Fd& fd() const { return fd_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  static Result<std::uint64_t> number(const std::string& header, std::size_t at) {
    std::uint32_t value = 0;
    const Error wrong{Errc::invalid, "no hex digits"};
    if (header.size() < at + 8) return wrong;
    const char* begin = header.data() + at;
    const auto [end, error] = std::from_chars(begin, begin + 8, value, 16);
    if (error != std::errc{} || end != begin + 8) return wrong;
    return std::uint64_t{value};
  }

  const Fd& fd_;
  std::string name_;
  std::uint64_t size_;
};

// The expanded image while it is written.
class Expansion {
 public:
  Expansion(const Image& from, const Fd& to) : from_(from), to_(to) {}

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
        CUBE_TRY(at, from_.after_cpio(archive));
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
    CUBE_TRY(const auto so_far, Image::open(to_, from_.name()));
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

  const Image& from_;
  const Fd& to_;
  std::uint64_t written_ = 0;
};

// Only whole cpio archives and zero bytes: what was decompressed was an initramfs.
Status check_expanded(const Image& image) {
  std::uint64_t archives = 0;
  for (std::uint64_t at = 0; at < image.size(); ++archives) {
    CUBE_TRY(at, image.after_zeros(at));
    if (at == image.size()) break;
    if (at % 4 != 0) return image.wrong("expanded: has a cpio archive at an odd place", at);
    CUBE_TRY(at, image.after_cpio(at));
  }
  if (archives == 0) return image.wrong("expanded: has no cpio archive", 0);
  return ok();
}

}  // namespace

Result<bool> expand_initramfs(const Fd& from, const Fd& to, const std::string& name) {
  CUBE_TRY(const auto image, Image::open(from, name));
  CUBE_TRY(const bool expanded, Expansion(image, to).run());
  CUBE_TRY(const auto written, Image::open(to, name));
  CUBE_CHECK(check_expanded(written));
  return expanded;
}

}  // namespace cube
