// CpioImage: a file of cpio archives ("newc") one after the other, zero bytes between them: what an
// initramfs image is, but for what is compressed in it. Read by position; every error names the
// file and the byte.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace cube {

class CpioImage {
 public:
  // `fd` outlives it. Errors: failed.
  static Result<CpioImage> open(const Fd& fd, const std::string& name);

  // Fewer bytes at the end of the file. Errors: failed.
  [[nodiscard]] Result<std::string> read(std::uint64_t at, std::size_t count) const;
  // The first position from `at` on with another byte than zero, or the end. Errors: failed.
  [[nodiscard]] Result<std::uint64_t> after_zeros(std::uint64_t at) const;
  // Each member's name, at most 4095 bytes, as the archive has it, and where its content is; not of
  // the trailer.
  struct Member {
    std::string_view name;
    std::uint64_t at, size;
  };
  using Members = std::function<Status(const Member& member)>;
  // The position after the last member of the archive at `at`.
  // Errors: invalid (damaged, cut off), failed, what `on_member` returned.
  [[nodiscard]] Result<std::uint64_t> after_cpio(std::uint64_t at, const Members& on_member) const;

  [[nodiscard]] Error wrong(const std::string& what, std::uint64_t at) const;
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const Fd& fd() const { return fd_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  CpioImage(const Fd& fd, std::string name, std::uint64_t size)
      : fd_(fd), name_(std::move(name)), size_(size) {}

  const Fd& fd_;
  std::string name_;
  std::uint64_t size_;
};

// Do these first bytes (6 are enough) begin a cpio archive?
[[nodiscard]] bool is_cpio(std::string_view begin);
// Archives begin at multiples of 4.
[[nodiscard]] std::uint64_t aligned(std::uint64_t position);

}  // namespace cube
