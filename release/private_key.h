// PrivateKey: one ed25519 key of the publisher. It signs; it never leaves its object except into a
// file of mode 0600. Only release/ has private keys: no program on an appliance links this.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/root_dir.h"
#include "release/passphrase.h"

namespace cube {

class PrivateKey {
 public:
  // From the system's random numbers. Errors: failed (OpenSSL).
  static Result<PrivateKey> generate();
  // A PEM file, PKCS#8, a regular file that nobody but its owner can read. `passphrases` is asked
  // if it has one; nullptr: nobody can be asked. Errors: not_found, refused (others can read it),
  // corrupt (no such key), untrusted (passphrase wrong or not to be had), failed; and those of
  // Passphrases.
  static Result<PrivateKey> load(const RootDir& folder, const std::string& file,
                                 Passphrases* passphrases = nullptr);

  // Writes the PEM file, mode 0600, durably; with a passphrase encrypted (AES-256, scrypt), as
  // `openssl pkcs8 -scrypt` does. A file that is already there is never overwritten. Errors:
  // refused (the file exists), no_space, failed.
  Status store(const RootDir& folder, const std::string& file,
               const SecretText* passphrase = nullptr) const;

  // {"keytype":"ed25519","scheme":"ed25519","keyval":{"public":64 hex digits}}
  [[nodiscard]] const Json& public_json() const { return public_json_; }
  // The id by which metadata names it: 64 hex digits.
  [[nodiscard]] const std::string& id() const { return id_; }
  // 64 bytes. Errors: failed (OpenSSL).
  [[nodiscard]] Result<std::string> sign(std::string_view message) const;

 private:
  struct Secret;
  explicit PrivateKey(std::shared_ptr<const Secret> secret) : secret_(std::move(secret)) {}
  static Result<PrivateKey> with_public_part(std::shared_ptr<const Secret> secret);

  std::shared_ptr<const Secret> secret_;
  Json public_json_;
  std::string id_;
};

}  // namespace cube
