// The header of a file object (docs/pack-format.md): what an inode has besides content. Inside
// slots/ostree only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "slots/ostree/attributes.h"

namespace cube {

struct FileHeader {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;  // with the type: a regular file or a symlink
  std::string target;      // of a symlink
  Attributes attributes;

  friend bool operator==(const FileHeader&, const FileHeader&) = default;
};

// The first bytes of every header; they tell how long it is.
inline constexpr std::size_t header_prefix_bytes = 8;
inline constexpr std::size_t max_header_bytes = 1024 * 1024;

// The length of the whole header, prefix included. Errors: corrupt (too long).
Result<std::size_t> header_length(std::string_view prefix);
// Exactly a header. Errors: corrupt.
Result<FileHeader> parse_file_header(std::string_view bytes);
// The header's bytes, prefix included, as libostree writes and hashes them.
[[nodiscard]] std::string file_header_bytes(const FileHeader& header);

}  // namespace cube
