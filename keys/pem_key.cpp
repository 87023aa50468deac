#include "keys/pem_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <string_view>

#include "base/digest.h"

namespace cube {
namespace {

constexpr std::size_t max_pem_bytes = 4096;
constexpr int min_rsa_bits = 2048;
constexpr int max_rsa_bits = 8192;
// What stands before the 64 bytes of an uncompressed point on the named curve P-256.
constexpr std::string_view p256_head = "3059301306072a8648ce3d020106082a8648ce3d03010703420004";
constexpr std::size_t p256_bytes = 91;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;

Error corrupt(const std::string& what) {
  ERR_clear_error();
  return {Errc::corrupt, what};
}

struct PemBlock {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  PemBlock() = default;
  PemBlock(const PemBlock&) = delete;
  PemBlock& operator=(const PemBlock&) = delete;
  ~PemBlock() {
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
  }
};

Result<Key> key_of_pem(const std::string& pem) {
  if (pem.size() > max_pem_bytes) return corrupt("a key of more than 4096 bytes");
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  PemBlock block;
  if (!text ||
      PEM_read_bio(text.get(), &block.name, &block.header, &block.data, &block.size) != 1 ||
      std::string_view(block.name) != "PUBLIC KEY" || *block.header != '\0')
    return corrupt("not a public key in PEM");
  const unsigned char* at = block.data;
  Key key(d2i_PUBKEY(nullptr, &at, block.size), &EVP_PKEY_free);
  if (!key || at != block.data + block.size) return corrupt("not a public key in DER");
  return key;
}

Result<std::string> der_of(const Key& key) {
  unsigned char* bytes = nullptr;
  const int size = i2d_PUBKEY(key.get(), &bytes);
  if (size <= 0) return corrupt("a public key without a DER form");
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

}  // namespace

Result<std::string> p256_key_of_pem(const std::string& pem) {
  CUBE_TRY(const Key key, key_of_pem(pem));
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_EC ||
      EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                     OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) != 1)
    return corrupt("not a key on a curve");
  CUBE_TRY(auto der, der_of(key));
  const auto head = to_hex(der.data(), std::min(der.size(), p256_head.size() / 2));
  if (der.size() != p256_bytes || head != p256_head) return corrupt("not a key on the curve P-256");
  return der;
}

Result<std::string> rsa_key_of_pem(const std::string& pem) {
  CUBE_TRY(const Key key, key_of_pem(pem));
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) return corrupt("not an RSA key");
  const int bits = EVP_PKEY_get_bits(key.get());
  if (bits < min_rsa_bits || bits > max_rsa_bits)
    return corrupt("an RSA key of " + std::to_string(bits) + " bits instead of 2048 to 8192");
  BIGNUM* exponent = nullptr;
  const bool read = EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_RSA_E, &exponent) == 1;
  const Number owned(exponent, &BN_free);
  if (!read || BN_is_odd(exponent) == 0 || BN_is_one(exponent) != 0)
    return corrupt("an RSA key with an exponent that is even or 1");
  return der_of(key);
}

}  // namespace cube
