// Public keys in PEM, in the one form by which equal keys are equal bytes.
#pragma once

#include <string>

#include "base/result.h"

namespace cube {

// SubjectPublicKeyInfo in DER of a PEM block "PUBLIC KEY" that holds exactly such a key: a point on
// P-256, or an RSA key of 2048 to 8192 bits with an odd exponent of 3 or more. Errors: corrupt.
Result<std::string> p256_key_of_pem(const std::string& pem);
Result<std::string> rsa_key_of_pem(const std::string& pem);

}  // namespace cube
