// Who answers for a document, and until when: for people, after it was verified.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "keys/metadata.h"

namespace cube {

struct Signing {
  std::string role;
  std::uint64_t version = 0;
  UnixSeconds expires = 0;
  std::vector<std::string> signed_by;  // ids of different keys of the role
  std::uint64_t threshold = 0;         // how many of them it takes
};

// Errors: failed (OpenSSL).
Result<Signing> signing_of(const Metadata& document, const Keys& keys, const Role& role,
                           const std::string& name);

// {"role":, "version":, "expires":, "signed_by": [ids], "threshold":}
[[nodiscard]] Json as_json(const Signing& signing);
// "targets, version 7, until 2027-11-26T17:24:29Z, signed by 2 (2 needed): c0a9762ab804d172 ...":
// the first 16 digits of each id.
[[nodiscard]] std::string as_text(const Signing& signing);

}  // namespace cube
