#include "slots/initramfs/cpio_image.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

namespace cube {
namespace {

constexpr std::size_t header_bytes = 110;  // of "newc": a magic of 6 and 13 numbers of 8 hex digits
constexpr std::size_t max_name = 4096;     // PATH_MAX, as the kernel
constexpr std::size_t read_at_once = 128 * 1024;

Result<std::uint64_t> number(const std::string& header, std::size_t at) {
  std::uint32_t value = 0;
  const Error wrong{Errc::invalid, "no hex digits"};
  if (header.size() < at + 8) return wrong;
  const char* begin = header.data() + at;
  const auto [end, error] = std::from_chars(begin, begin + 8, value, 16);
  if (error != std::errc{} || end != begin + 8) return wrong;
  return std::uint64_t{value};
}

}  // namespace

std::uint64_t aligned(std::uint64_t position) {
  return (position + 3) & ~std::uint64_t{3};
}

bool is_cpio(std::string_view begin) {
  return begin.starts_with("070701") || begin.starts_with("070702");
}

Result<CpioImage> CpioImage::open(const Fd& fd, const std::string& name) {
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return system_error("stat " + name);
  return CpioImage(fd, name, static_cast<std::uint64_t>(st.st_size));
}

Result<std::string> CpioImage::read(std::uint64_t at, std::size_t count) const {
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

Result<std::uint64_t> CpioImage::after_zeros(std::uint64_t at) const {
  for (;;) {
    CUBE_TRY(const auto bytes, read(at, read_at_once));
    const auto other = bytes.find_first_not_of('\0');
    if (other != std::string::npos) return at + other;
    if (bytes.empty()) return at;
    at += bytes.size();
  }
}

Result<std::uint64_t> CpioImage::after_cpio(std::uint64_t at, const Members& on_member) const {
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
    if (on_member) CUBE_CHECK(on_member({std::string_view(member).substr(0, member.size() - 1), data, *file_size}));
    at = start + aligned(end - start);
  }
}

Error CpioImage::wrong(const std::string& what, std::uint64_t at) const {
  return {Errc::invalid, name_ + ": " + what + " at byte " + std::to_string(at)};
}

}  // namespace cube
