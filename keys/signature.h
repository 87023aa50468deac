// Verification of one signature through OpenSSL. Signing is not here: the agent has no private key.
#pragma once

#include <string_view>

#include "base/result.h"
#include "keys/key.h"

namespace cube {

// True when `signature` is the signature of `message` by `key`, in the one length that it may have.
// Errors: failed (OpenSSL).
Result<bool> signature_matches(const PublicKey& key, std::string_view message,
                               std::string_view signature);

}  // namespace cube
