#include "insight/fit/kernel_image.h"

#include <algorithm>
#include <cstdint>

#include "base/little_endian.h"

namespace cube::insight {
namespace {

// boot.rst: "HdrS" at 0x202, version at 0x206, kernel_version at 0x20E, xloadflags at 0x236 (since
// 2.12, which is Linux 3.8). The text lies 0x200 behind what kernel_version says.
constexpr std::size_t magic_at = 0x202, protocol_at = 0x206, release_at = 0x20E, flags_at = 0x236,
                      header_end = 0x264, text_base = 0x200;
constexpr std::uint64_t with_flags = 0x20C, is_64_bit = 1;
constexpr std::size_t arm64_magic_at = 56, max_release = 256;

// "6.1.0-42-amd64 (debian-kernel@...) #1 SMP ...": up to the first blank.
std::string release_in(std::string_view head) {
  const auto said = number_at(head, release_at, 2);
  const auto at = text_base + said;
  if (said == 0 || at >= head.size()) return "";
  auto text = head.substr(at, max_release);
  text = text.substr(0, text.find_first_of(std::string_view(" \0", 2)));
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  return plain && text.size() < max_release ? std::string(text) : "";
}

}  // namespace

Result<KernelImage> kernel_image(std::string_view head) {
  if (head.size() >= header_end && head.substr(magic_at, 4) == "HdrS") {
    const bool wide = number_at(head, protocol_at, 2) >= with_flags &&
                      (number_at(head, flags_at, 2) & is_64_bit) != 0;
    return KernelImage{wide ? "x86_64" : "i686", release_in(head)};
  }
  if (head.size() > 64 && head.substr(arm64_magic_at, 4) == "ARM\x64")
    return KernelImage{"aarch64", ""};
  return Error{Errc::corrupt, "is no kernel image of a kind that is known"};
}

}  // namespace cube::insight
