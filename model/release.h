// Release: what a publisher signed, as the agent knows it after verification. Pure values.
// The manifest file itself (docs/formats/manifest.md) is read and written by model/manifest.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/version.h"

namespace cube {

// PRODUCT_VERSION_YYYYMMDD-HHMM_COMMIT, for example CUBE_2.2.4_20220421-1616_55765df7.
struct ReleaseName {
  std::string text;     // the whole name; a safe name (model/name.h)
  std::string product;  // [A-Za-z0-9+-]+
  Version version;
  std::string built;   // YYYYMMDD-HHMM, UTC; compares as text
  std::string source;  // short commit of the source tree, 4 to 40 hex digits

  // Errors: invalid.
  static Result<ReleaseName> parse(const std::string& text);
};

// A file that holds objects of a release (docs/pack-format.md): all of them, or, in a delta, those
// that an older commit lacks. Its last bytes are its index.
struct Pack {
  std::string file;  // a safe name, ".pack" at its end
  std::uint64_t length = 0;
  std::string sha256;  // of the whole file; 64 hex digits
  std::uint64_t index_offset = 0;
  std::uint64_t index_length = 0;
  std::string index_sha256;  // 64 hex digits
  std::string from = {};     // of a delta: the older commit, 64 hex digits; else ""
};

struct Release {
  ReleaseName name;
  std::uint64_t epoch = 0;  // security epoch: never goes back on a machine, not even by force
  std::string commit;       // ostree commit checksum: 64 hex digits; covers every byte of the tree
  std::string manifest_sha256;      // 64 hex digits: the identity of this release
  std::uint64_t tree_bytes = 0;     // content of the tree
  std::uint64_t tree_inodes = 0;    // files, folders and links of the tree
  std::string kernel_release;       // `uname -r` of its kernel; "" when unknown
  std::int64_t trial_deadline = 0;  // seconds from boot to commit; 0: the machine's default
  // Of the state that it keeps on a machine; releases of a lower schema cannot read it any more.
  std::uint64_t schema = 0;
  std::vector<Pack> packs;          // at most max_packs, each file once

  friend bool operator==(const Release& left, const Release& right) {
    return left.manifest_sha256 == right.manifest_sha256;
  }
};

// When it was built. 0 when `built` is no time, as 20220299-9999.
[[nodiscard]] UnixSeconds built_at(const ReleaseName& name);

// -1, 0, 1: `left` is older, equal, newer. Version first, then the build time.
[[nodiscard]] int compare_age(const ReleaseName& left, const ReleaseName& right);

}  // namespace cube
