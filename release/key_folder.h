// KeyFolder: the publisher's keys, NAME.pem (private, mode 0600) or NAME.pkcs11 (where the token
// that holds it is found, mode 0600), and NAME.pub.json (public, so that a private key may be taken
// away to a safe place and its name stays known). The folder has mode 0700 and lies outside the
// repository, which is served to the world.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/root_dir.h"
#include "release/private_key.h"

namespace cube {

struct NamedKey {
  std::string name;
  std::string id;            // 64 hex digits
  Json public_json;          // the key object of TUF metadata
  bool has_private = false;  // NAME.pem or NAME.pkcs11 is here
  bool in_token = false;     // NAME.pkcs11 is
};

class KeyFolder {
 public:
  // Makes the folder, with mode 0700, when it is not there. Errors: not_found (its parent), failed.
  // `passphrases`, if any, outlives the folder.
  static Result<KeyFolder> make(const std::string& path, Passphrases* passphrases = nullptr);
  // Errors: untrusted (no such folder, so nothing can be signed), failed.
  static Result<KeyFolder> open(const std::string& path, Passphrases* passphrases = nullptr);

  // A new key, with a passphrase if it is to be protected. A key of that name is never replaced.
  // Errors: invalid (name), refused (exists), no_space, failed; and those of Passphrases.
  Result<NamedKey> generate(const std::string& name, bool protect = false,
                            KeyType type = KeyType::ed25519) const;
  // A key that was made elsewhere: a PEM file with a private or a public key, a NAME.pub.json, or
  // the URI of a key in a PKCS#11 token, of which nothing secret is stored. A private key must give
  // a signature that its public part verifies. Errors: as generate(); refused (no key, one that
  // machines would refuse, or a private one that others can read), and those of from_pem() and
  // token_key().
  Result<NamedKey> import(const std::string& source, const std::string& name,
                          bool protect = false) const;
  // Errors: not_found, corrupt (public part of another key), and those of PrivateKey::load.
  Result<NamedKey> find(const std::string& name) const;
  // All of them, by name. Errors: as find().
  Result<std::vector<NamedKey>> list() const;
  // The private part, checked against the public one. Errors: as find().
  Result<PrivateKey> load(const NamedKey& key) const;

  [[nodiscard]] const std::string& path() const { return folder_.path(); }

 private:
  [[nodiscard]] Result<PrivateKey> private_part(const NamedKey& key) const;
  // Ok when a key of that name may be made. Errors: invalid, refused.
  [[nodiscard]] Status check_new(const std::string& name) const;
  Result<NamedKey> add(const std::string& name, const PrivateKey& key, bool protect) const;
  Result<NamedKey> add_public(const std::string& name, const Json& key) const;
  Result<NamedKey> add_token(const std::string& name, const std::string& uri) const;
  KeyFolder(RootDir folder, Passphrases* passphrases)
      : folder_(std::move(folder)), passphrases_(passphrases) {}
  RootDir folder_;
  Passphrases* passphrases_;
};

}  // namespace cube
