// The public part of a key as TUF metadata has it, checked as strictly as a machine does.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"

struct evp_pkey_st;  // EVP_PKEY of OpenSSL

namespace cube {

// {"keytype":..., "scheme":..., "keyval":{"public": 64 hex digits, or PEM}} of an ed25519 key, one
// on P-256 or an RSA key, whatever form its point is in. Errors: corrupt (another type or curve,
// weak), failed (OpenSSL).
Result<Json> public_part_of(const evp_pkey_st* key);
// The same of a PEM file "BEGIN PUBLIC KEY". Errors: as above; corrupt (no such file).
Result<Json> public_part_of_pem(const std::string& pem);

}  // namespace cube
