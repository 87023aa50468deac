// TokenUri: which private key in which PKCS#11 token (a smart card, a hardware security module), as
// RFC 7512 writes it: "pkcs11:token=cube;object=targets?module-path=/usr/lib/x/module.so". A value.
#pragma once

#include <string>

#include "base/result.h"

namespace cube {

struct TokenUri {
  std::string text;    // as it was given, at most 1024 bytes
  std::string path;    // "pkcs11:" and the attributes that name token and key
  std::string token;   // its label or serial number, for messages and questions
  std::string module;  // absolute path of the PKCS#11 module; "": that of OpenSSL's engine

  // Names the token by `token` or `serial`, the key by `object` or `id`. A PIN has no place in it.
  // Errors: invalid.
  static Result<TokenUri> parse(const std::string& text);
};

[[nodiscard]] bool is_token_uri(const std::string& text);

}  // namespace cube
