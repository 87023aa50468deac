// ShareFolder: what a web server of this site may give to other machines: a folder laid out as a
// repository (docs/formats/repository.md), with whole packs of the newest releases, their
// manifests, and the signed metadata that this machine believed last. Everything in it was verified
// here, and whoever takes it verifies it again.
//
// A name appears when its file is whole, and is replaced in one step. The metadata's timestamp
// comes last. Nothing else may write there. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

struct ShareConfig {
  std::string folder;                                // below the root; "": nothing is shared
  std::uint64_t max_bytes = 0;                       // all packs
  std::size_t releases = 1;                          // how many, at least one
  std::string metadata = "var/lib/cube-update/tuf";  // what was believed last (keys/tuf_store.h)
};

class ShareFolder {
 public:
  // `root` outlives it.
  ShareFolder(const RootDir& root, ShareConfig config) : root_(root), config_(std::move(config)) {}

  // `path`, as those below, is that of a file in the repository. It is there, with that length.
  [[nodiscard]] bool has(const std::string& path, std::uint64_t length) const;
  // A pack of that length would fit. Errors: no_space.
  [[nodiscard]] Status check_room(std::uint64_t length) const;
  // A file below the root, as another name of it, or as a copy where that cannot be. Releases that
  // are too many or too large now go, the oldest first, but never the one of `path`. Errors:
  // no_space, failed.
  Status add_pack(const std::string& file, const std::string& path);
  // Errors: no_space, failed.
  Status add_text(const std::string& path, const std::string& text);
  // The metadata, if its parts belong together. Errors: corrupt (they do not), not_found (there are
  // none), no_space, failed.
  Status add_metadata();

 private:
  [[nodiscard]] std::string below(const std::string& path) const {
    return config_.folder + "/" + path;
  }
  Status copy(const std::string& file, const std::string& to) const;
  Status prune(const std::string& current) const;

  const RootDir& root_;
  ShareConfig config_;
};

}  // namespace cube
