// Publisher::pack: all objects of a pending release in one file (docs/pack-format.md).
//
// The file is whole and durable under its final name before the pending manifest names it, and
// nobody reads it before publish() signs that manifest. The same release, level and version of
// libzstd give the same bytes, whatever the number of threads.
#pragma once

#include <string>
#include <vector>

#include "model/release.h"
#include "slots/pack/pack_writer.h"

namespace cube {

inline constexpr const char* full_pack = "full.pack";

// What is at and below a folder. The bytes of a chunk count for its objects by their lengths.
struct FolderSize {
  std::string path;         // "/usr/lib"; "" for commit, dirtrees and dirmetas
  std::uint64_t files = 0;  // different ones: an object counts at the first path that leads to it
  std::uint64_t raw = 0;
  std::uint64_t stored = 0;
};

struct PackedRelease {
  Release release;  // as it is pending now
  Pack pack;
  std::uint64_t objects = 0;
  std::uint64_t chunks = 0;
  std::uint64_t raw = 0;
  std::vector<FolderSize> folders;  // sorted by path
};

// The file of a pack in a repository.
[[nodiscard]] std::string pack_path(const std::string& release, const Pack& pack);
// The pack's file is there and is, byte for byte, what the release says; its index is of the
// release's commit. Errors: corrupt, failed.
Status check_pack(const RootDir& repository, const Release& release, const Pack& pack);
// The same, and its objects are exactly those of the commit, each with its content.
// Errors: corrupt, failed.
Status verify_pack(const RootDir& repository, const Release& release, const Pack& pack);

}  // namespace cube
