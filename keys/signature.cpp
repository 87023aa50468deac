#include "keys/signature.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>

#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::size_t ed25519_signature_bytes = 64;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Key openssl_key(const PublicKey& key) {
  const auto* bytes = bytes_of(key.bytes);
  if (key.scheme == SignatureScheme::ed25519)
    return {EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes, key.bytes.size()),
            &EVP_PKEY_free};
  return {d2i_PUBKEY(nullptr, &bytes, static_cast<long>(key.bytes.size())), &EVP_PKEY_free};
}

// The salt may have any length: publishers use that of the digest or the longest one.
bool use_pss(EVP_PKEY_CTX* context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_AUTO) == 1;
}

}  // namespace

Result<bool> signature_matches(const PublicKey& key, std::string_view message,
                               std::string_view signature) {
  if (mutated("signature-not-checked")) return true;
  const bool is_ed25519 = key.scheme == SignatureScheme::ed25519;
  if (is_ed25519 && signature.size() != ed25519_signature_bytes) return false;
  const Key public_key = openssl_key(key);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  EVP_PKEY_CTX* scheme = nullptr;  // belongs to context
  if (!public_key || !context ||
      EVP_DigestVerifyInit(context.get(), &scheme, is_ed25519 ? nullptr : EVP_sha256(), nullptr,
                           public_key.get()) != 1 ||
      (key.scheme == SignatureScheme::rsa_pss && !use_pss(scheme)))
    return Error{Errc::failed, "key " + key.id + ": OpenSSL cannot verify its signatures"};
  const bool matches = EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(),
                                        bytes_of(message), message.size()) == 1;
  ERR_clear_error();
  return matches;
}

}  // namespace cube
