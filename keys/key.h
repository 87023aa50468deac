// PublicKey: a key of TUF metadata, checked before anything is verified with it. Pure values.
//
// Known are ed25519, ECDSA on P-256 and RSA with PSS, the last two over SHA-256. Refused are
// ed25519 keys of small order (with which one fixed signature fits every message; OpenSSL accepts
// them) and in non-canonical encodings, other curves, and RSA keys below 2048 or above 8192 bits.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace cube {

enum class SignatureScheme { ed25519, ecdsa_p256, rsa_pss };

struct PublicKey {
  std::string id;  // SHA-256 of the canonical JSON of the key object, 64 hex digits
  SignatureScheme scheme = SignatureScheme::ed25519;
  std::string bytes;  // what makes two keys different, whatever their ids or their spelling: the
                      // 32 bytes of an ed25519 key, else SubjectPublicKeyInfo in its one DER form

  // {"keytype":..., "scheme":..., "keyval":{"public": 64 hex digits, or PEM}}; unknown members are
  // allowed and enter the id. Errors: corrupt (form, value), untrusted (unknown type or scheme).
  static Result<PublicKey> parse(const Json& key);
};

// The id that this project's publisher gives to the key object. Readers do not demand it
// (docs/decisions/0007-key-ids.md).
[[nodiscard]] std::string key_id(const Json& key);

}  // namespace cube
