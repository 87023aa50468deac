// Seal: the statement, written last into a slot, that its whole content was re-read and verified
// against one signed release. Pure values; stored by slots/ as /.cube/seal (docs/formats/seal.md).
#pragma once

#include <cstdint>
#include <string>

namespace cube {

struct Seal {
  std::string release;          // the release's name
  std::string manifest_sha256;  // its identity
  std::string commit;           // ostree commit that was verified
  std::uint64_t epoch = 0;
  std::uint64_t attempt = 0;    // the journal's number of the update that wrote it; 0: at install

  friend bool operator==(const Seal&, const Seal&) = default;
};

}  // namespace cube
