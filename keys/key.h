// PublicKey: a key of TUF metadata, checked before anything is verified with it. Pure values.
//
// Only keytype "ed25519" with scheme "ed25519" is known. Keys of small order (with which one fixed
// signature fits every message; OpenSSL accepts them) and non-canonical encodings are refused.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace cube {

struct PublicKey {
  std::string id;  // SHA-256 of the canonical JSON of the key object, 64 hex digits
  std::string keytype;
  std::string scheme;
  std::string bytes;  // the key itself: what makes two keys different, whatever their ids

  // {"keytype":"ed25519","scheme":"ed25519","keyval":{"public":64 hex digits}}; unknown members are
  // allowed and enter the id. Errors: corrupt (form, value), untrusted (unknown type or scheme).
  static Result<PublicKey> parse(const Json& key);
};

// The id by which metadata names the key object.
[[nodiscard]] std::string key_id(const Json& key);

}  // namespace cube
