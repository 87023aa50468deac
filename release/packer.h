// Publisher::pack: all objects of a pending release in one file, and in others those that older
// releases lack (docs/pack-format.md).
//
// A file is whole and durable under its final name before the pending manifest names it, and nobody
// reads it before publish() signs that manifest. The same releases, level and version of libzstd
// give the same bytes, whatever the number of threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/manifest.h"
#include "model/release.h"
#include "slots/pack/pack_writer.h"

namespace cube {

inline constexpr const char* full_pack = "full.pack";
inline constexpr std::size_t max_deltas = max_packs - 1;

struct PackRequest {
  PackOptions full;
  // docs/decisions/0010-deltas.md has the measurements.
  PackOptions delta{.level = 9, .threads = 1, .group_bytes = 512 * 1024};
  // Deltas from these releases, published or pending; nullopt: from the newest published ones that
  // are older, `deltas` in number.
  std::optional<std::vector<std::string>> from;
  std::size_t deltas = 2;  // at most max_deltas
};

// What is at and below a folder. The bytes of a chunk count for its objects by their lengths.
struct FolderSize {
  std::string path;         // "/usr/lib"; "" for commit, dirtrees and dirmetas
  std::uint64_t files = 0;  // different ones: an object counts at the first path that leads to it
  std::uint64_t raw = 0;
  std::uint64_t stored = 0;
};

struct PackedFile {
  Pack pack;
  std::string from;  // name of the older release; "" of the full pack
  std::uint64_t objects = 0;
  std::uint64_t chunks = 0;
  std::uint64_t raw = 0;
  std::vector<FolderSize> folders;  // sorted by path
};

struct PackedRelease {
  Release release;                // as it is pending now
  std::vector<PackedFile> files;  // the full pack first
};

// The file of a pack in a repository.
[[nodiscard]] std::string pack_path(const std::string& release, const Pack& pack);
// The pack's file is there and is, byte for byte, what the release says; its index is of the
// release's commit, and from the same older one. Errors: corrupt, failed.
Status check_pack(const RootDir& repository, const Release& release, const Pack& pack);
// The same, and its objects are exactly those of the commit, each with its content. Of a delta:
// those that the older commit lacks, each made of files of that one and of the delta; if the older
// commit is no longer in the repository, that cannot be told, and only the file is checked. Errors:
// corrupt, failed.
Status verify_pack(const RootDir& repository, const Release& release, const Pack& pack);

}  // namespace cube
