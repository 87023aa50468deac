// PrivateKey: one key of the publisher: ed25519, ECDSA on P-256, or RSA (PSS). It signs; it never
// leaves its object except into a file of mode 0600. Only release/ has private keys: no program on
// an appliance links this.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/root_dir.h"
#include "release/passphrase.h"

struct evp_pkey_st;  // EVP_PKEY of OpenSSL

namespace cube {

enum class KeyType { ed25519, ecdsa, rsa };

class PrivateKey {
 public:
  // From the system's random numbers; an RSA key has 3072 bits. Errors: failed (OpenSSL).
  static Result<PrivateKey> generate(KeyType type = KeyType::ed25519);
  // A PEM file, a regular file that nobody but its owner can read. Errors: not_found, refused
  // (others can read it), failed; and those of from_pem().
  static Result<PrivateKey> load(const RootDir& folder, const std::string& file,
                                 Passphrases* passphrases = nullptr);
  // PKCS#8, or one of the older forms that `openssl` writes. `passphrases` is asked if it has one;
  // nullptr: nobody can be asked. `where` is its file, for messages. Errors: corrupt (no such key,
  // weak, another curve), untrusted (passphrase wrong or not to be had); and those of Passphrases.
  static Result<PrivateKey> from_pem(const SecretText& pem, const std::string& where,
                                     Passphrases* passphrases);
  // One that OpenSSL holds, wherever that is. Errors: corrupt (another type or curve, weak).
  static Result<PrivateKey> of(std::shared_ptr<evp_pkey_st> key);

  // Writes the PEM file, mode 0600, durably; with a passphrase encrypted (AES-256, scrypt), as
  // `openssl pkcs8 -scrypt` does. A file that is already there is never overwritten. Errors:
  // refused (the file exists), no_space, failed.
  Status store(const RootDir& folder, const std::string& file,
               const SecretText* passphrase = nullptr) const;

  // As public_part_of() in release/public_part.h gives it.
  [[nodiscard]] const Json& public_json() const { return public_json_; }
  // The id by which metadata names it: 64 hex digits.
  [[nodiscard]] const std::string& id() const { return id_; }
  // ed25519: 64 bytes; ECDSA: in DER; RSA: PSS with a salt as long as the digest; the last two over
  // SHA-256. Errors: failed (OpenSSL, or the token that holds the key).
  [[nodiscard]] Result<std::string> sign(std::string_view message) const;

 private:
  PrivateKey(std::shared_ptr<evp_pkey_st> key, Json public_json);

  std::shared_ptr<evp_pkey_st> key_;
  Json public_json_;
  std::string id_;
};

// Ok when nobody but its owner can use the file that is open. `where` is its name. Errors: corrupt
// (no regular file), refused, failed.
Status check_private_file(int fd, const std::string& where);

}  // namespace cube
