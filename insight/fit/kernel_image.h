// What the file of a kernel says of itself: for which machine it is, and its release. Foreign
// bytes, pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cube::insight {

inline constexpr std::size_t kernel_head_bytes = 64 * 1024;  // more than any setup has

struct KernelImage {
  std::string machine;  // "x86_64"
  std::string release;  // as `uname -r`; "" where the format does not tell

  friend bool operator==(const KernelImage&, const KernelImage&) = default;
};

// Of the first kernel_head_bytes, or all of the file. x86's bzImage (Linux,
// Documentation/arch/x86/boot.rst) and arm64's Image (Documentation/arch/arm64/booting.rst) are
// known. Errors: corrupt (none of them).
[[nodiscard]] Result<KernelImage> kernel_image(std::string_view head);

}  // namespace cube::insight
