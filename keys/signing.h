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

}  // namespace cube
