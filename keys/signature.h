// Verification of one signature through OpenSSL. Signing is not here: the agent has no private key.
#pragma once

#include <string_view>

#include "base/result.h"
#include "keys/key.h"

namespace cube {

// True when `signature` is the key's signature of `message`. A new scheme gets its own branch.
// Errors: untrusted (scheme not known), failed (OpenSSL).
Result<bool> signature_matches(const PublicKey& key, std::string_view message,
                               std::string_view signature);

}  // namespace cube
