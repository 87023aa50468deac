#include "release/public_part.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <memory>

#include "base/digest.h"
#include "keys/key.h"

namespace cube {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Error openssl_error() {
  ERR_clear_error();
  return {Errc::failed, "public part of a key: OpenSSL refused; is its configuration changed?"};
}

Json key_object(const char* keytype, const char* scheme, std::string value) {
  return Json(Json::Object{{"keytype", keytype},
                           {"scheme", scheme},
                           {"keyval", Json::Object{{"public", std::move(value)}}}});
}

Result<Json> ed25519_part(const EVP_PKEY* key) {
  std::array<unsigned char, 32> bytes{};
  std::size_t size = bytes.size();
  if (EVP_PKEY_get_raw_public_key(key, bytes.data(), &size) != 1) return openssl_error();
  return key_object("ed25519", "ed25519", to_hex(bytes.data(), size));
}

// Read anew from its DER form: without the private part, and from wherever the key is held.
Result<Key> public_copy(const EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owned(
      der, [](unsigned char* bytes) { OPENSSL_free(bytes); });
  if (size <= 0) return openssl_error();
  const unsigned char* at = der;
  Key copy(d2i_PUBKEY(nullptr, &at, size), &EVP_PKEY_free);
  if (!copy) return openssl_error();
  return copy;
}

Result<std::string> pem_of(const EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  if (!bio || PEM_write_bio_PUBKEY(bio.get(), key) != 1) return openssl_error();
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

Result<Json> pem_part(const EVP_PKEY* key) {
  const bool is_rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
  CUBE_TRY(const Key copy, public_copy(key));
  if (!is_rsa)  // a point may be compressed; one form for all readers
    EVP_PKEY_set_utf8_string_param(copy.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                   OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED);
  CUBE_TRY(auto pem, pem_of(copy.get()));
  return is_rsa ? key_object("rsa", "rsassa-pss-sha256", std::move(pem))
                : key_object("ecdsa", "ecdsa-sha2-nistp256", std::move(pem));
}

}  // namespace

Result<Json> public_part_of(const evp_pkey_st* key) {
  const int type = EVP_PKEY_get_base_id(key);
  if (type != EVP_PKEY_ED25519 && type != EVP_PKEY_EC && type != EVP_PKEY_RSA)
    return Error{Errc::corrupt,
                 "its type is none of ed25519, ECDSA on P-256 and RSA; choose another key"};
  CUBE_TRY(auto part, type == EVP_PKEY_ED25519 ? ed25519_part(key) : pem_part(key));
  CUBE_TRY(const auto checked, PublicKey::parse(part));
  return part;
}

Result<Json> public_part_of_pem(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  if (!bio) return openssl_error();
  const Key key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  ERR_clear_error();
  if (!key) return Error{Errc::corrupt, "not a public key in PEM form"};
  return public_part_of(key.get());
}

}  // namespace cube
