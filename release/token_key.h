// Private keys that stay in a PKCS#11 token: OpenSSL asks the token to sign.
#pragma once

#include <string>

#include "base/result.h"
#include "release/passphrase.h"
#include "release/private_key.h"
#include "release/token_uri.h"

namespace cube {

// `where` is its file, for messages. `passphrases` is asked for the PIN if the token wants one, and
// outlives the key; nullptr: nobody can be asked. A wrong PIN is never tried twice, and no PIN on a
// second token. All keys of one run are behind one PKCS#11 module.
// Errors: untrusted (no such token or key here, PIN wrong or not to be had), invalid (module),
// corrupt (another type or curve, weak), failed (no engine); and those of Passphrases.
Result<PrivateKey> token_key(const TokenUri& uri, const std::string& where,
                             Passphrases* passphrases);

}  // namespace cube
