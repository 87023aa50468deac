#include "release/private_key.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>

#include "base/durable_file.h"
#include "base/io.h"
#include "keys/key.h"
#include "release/public_part.h"

namespace cube {
namespace {

constexpr std::size_t max_pem_bytes = 16 * 1024;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

Error openssl_error(const std::string& what) {
  ERR_clear_error();
  return {Errc::failed, what + ": OpenSSL refused; is its configuration changed?"};
}

// Of PKCS#8 and of the older forms ("Proc-Type: 4,ENCRYPTED") alike.
constexpr std::string_view encrypted = "ENCRYPTED";

// Without a passphrase at hand libcrypto must not ask the terminal itself.
int give_passphrase(char* to, int size, int, void* from) {
  const auto* secret = static_cast<const SecretText*>(from);
  if (secret == nullptr || secret->text().size() > static_cast<std::size_t>(size)) return -1;
  std::copy(secret->text().begin(), secret->text().end(), to);
  return static_cast<int>(secret->text().size());
}

// PBES2 with scrypt; the costs are those of `openssl pkcs8 -scrypt`, the most that every libcrypto
// reads without more memory than its default.
bool write_encrypted(BIO* to, EVP_PKEY* key, const SecretText& passphrase) {
  constexpr std::uint64_t n = 16384, r = 8, p = 1;
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, decltype(&PKCS8_PRIV_KEY_INFO_free)> plain(
      EVP_PKEY2PKCS8(key), &PKCS8_PRIV_KEY_INFO_free);
  if (!plain) return false;
  X509_ALGOR* algorithm = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), nullptr, 0, nullptr, n, r, p);
  if (algorithm == nullptr) return false;
  const std::unique_ptr<X509_SIG, decltype(&X509_SIG_free)> sealed(
      PKCS8_set0_pbe(passphrase.text().data(), static_cast<int>(passphrase.text().size()),
                     plain.get(), algorithm),
      &X509_SIG_free);
  if (!sealed) {
    X509_ALGOR_free(algorithm);
    return false;
  }
  return PEM_write_bio_PKCS8(to, sealed.get()) == 1;
}

std::shared_ptr<EVP_PKEY> owned(EVP_PKEY* key) {
  return {key, &EVP_PKEY_free};
}

// The salt is as long as the digest: what other programs of TUF use and all accept.
bool use_pss(EVP_PKEY_CTX* context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

}  // namespace

Status check_private_file(int fd, const std::string& where) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) return system_error("stat " + where);
  if (!S_ISREG(st.st_mode)) return Error{Errc::corrupt, "key " + where + ": not a regular file"};
  if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return Error{Errc::refused, "key " + where +
                                    ": others than its owner may use it; if nobody has read it, "
                                    "chmod 600 it, else replace it"};
  return ok();
}

PrivateKey::PrivateKey(std::shared_ptr<evp_pkey_st> key, Json public_json)
    : key_(std::move(key)), public_json_(std::move(public_json)), id_(key_id(public_json_)) {}

Result<PrivateKey> PrivateKey::of(std::shared_ptr<evp_pkey_st> key) {
  CUBE_TRY(auto part, public_part_of(key.get()));
  return PrivateKey(std::move(key), std::move(part));
}

Result<PrivateKey> PrivateKey::generate(KeyType type) {
  constexpr std::size_t rsa_bits = 3072;
  EVP_PKEY* made = nullptr;
  if (type == KeyType::ed25519) made = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  if (type == KeyType::ecdsa) made = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  if (type == KeyType::rsa) made = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", rsa_bits);
  if (made == nullptr) return openssl_error("make a key");
  return of(owned(made));
}

Result<PrivateKey> PrivateKey::load(const RootDir& folder, const std::string& file,
                                    Passphrases* passphrases) {
  const std::string where = folder.join(file);
  CUBE_TRY(const auto fd, folder.open_file(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  CUBE_CHECK(check_private_file(fd.get(), where));
  CUBE_TRY(auto content, read_all(fd, max_pem_bytes));
  return from_pem(SecretText(std::move(content)), where, passphrases);
}

Result<PrivateKey> PrivateKey::from_pem(const SecretText& pem, const std::string& where,
                                        Passphrases* passphrases) {
  SecretText passphrase;
  const bool has_passphrase = pem.text().find(encrypted) != std::string::npos;
  if (has_passphrase) {
    if (passphrases == nullptr)
      return Error{Errc::untrusted,
                   "key " + where + ": it has a passphrase, and nobody can be asked"};
    CUBE_TRY(passphrase, passphrases->of(where));
  }
  const Bio bio(BIO_new_mem_buf(pem.text().data(), static_cast<int>(pem.text().size())), &BIO_free);
  if (!bio) return openssl_error("read key " + where);
  auto secret = owned(PEM_read_bio_PrivateKey(bio.get(), nullptr, &give_passphrase,
                                              has_passphrase ? &passphrase : nullptr));
  ERR_clear_error();
  if (!secret && has_passphrase)
    return Error{Errc::untrusted,
                 "key " + where + ": the passphrase is wrong, or the file is damaged"};
  if (!secret)
    return Error{Errc::corrupt,
                 "key " + where + ": not a private key in PEM form; restore it from your copy"};
  auto key = of(std::move(secret));
  if (!key) return std::move(key).error().in("key " + where);
  return key;
}

Status PrivateKey::store(const RootDir& folder, const std::string& file,
                         const SecretText* passphrase) const {
  const std::string where = folder.join(file);
  const Bio bio(BIO_new(BIO_s_secmem()), &BIO_free);
  const bool written_out =
      bio &&
      (passphrase != nullptr ? write_encrypted(bio.get(), key_.get(), *passphrase)
                             : PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr,
                                                             nullptr, 0, nullptr, nullptr) == 1);
  if (!written_out) return openssl_error("write key " + where);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  if (folder.exists(file))
    return Error{Errc::refused, "key " + where + ": exists and is never overwritten"};
  CUBE_TRY(const auto fd, folder.open_file(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  auto written = write_all(fd, {text, static_cast<std::size_t>(size)});
  if (written) written = sync_file(fd);
  if (!written) {
    auto removed = folder.remove_file(file);
    if (!removed) return std::move(removed).error().in(written.error().what);
    return std::move(written).error().in("key " + where);
  }
  return sync_folder(folder, ".");
}

Result<std::string> PrivateKey::sign(std::string_view message) const {
  const Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const int type = EVP_PKEY_get_base_id(key_.get());
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  EVP_PKEY_CTX* scheme = nullptr;  // belongs to context
  std::size_t size = 0;
  if (!context ||
      EVP_DigestSignInit(context.get(), &scheme, type == EVP_PKEY_ED25519 ? nullptr : EVP_sha256(),
                         nullptr, key_.get()) != 1 ||
      (type == EVP_PKEY_RSA && !use_pss(scheme)) ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes, message.size()) != 1)
    return openssl_error("sign with key " + id_);
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     bytes, message.size()) != 1)
    return openssl_error("sign with key " + id_);
  signature.resize(size);
  return signature;
}

}  // namespace cube
