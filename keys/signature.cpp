#include "keys/signature.h"

#include <openssl/evp.h>

#include <memory>

#include "base/mutation.h"

namespace cube {
namespace {

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Result<bool> ed25519_matches(const PublicKey& key, std::string_view message,
                             std::string_view signature) {
  if (signature.size() != 64 || key.bytes.size() != 32) return false;
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> public_key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(key.bytes), 32),
      &EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  if (!public_key || !context ||
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, public_key.get()) != 1)
    return Error{Errc::failed, "OpenSSL cannot verify ed25519 signatures"};
  return EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message),
                          message.size()) == 1;
}

}  // namespace

Result<bool> signature_matches(const PublicKey& key, std::string_view message,
                               std::string_view signature) {
  if (mutated("signature-not-checked")) return true;
  if (key.keytype == "ed25519" && key.scheme == "ed25519")
    return ed25519_matches(key, message, signature);
  return Error{Errc::untrusted, "key " + key.id + ": signature scheme is not known here"};
}

}  // namespace cube
