// Signatures: a good one is believed for the very key, message and bytes that it was made of; with
// a byte changed, added or missing anywhere it is not, and what the fuzzer invents never is.
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/digest.h"
#include "base/json.h"
#include "keys/signature.h"
#include "tests/fuzz/choices.h"

namespace {

using cube::Json;
using cube::PublicKey;
using cube::SignatureScheme;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

// A key pair of one scheme; the private half is of this process only.
struct Signer {
  const char* keytype;
  const char* scheme;
  Key pair;
  std::string text;  // the public key as a key object has it

  [[nodiscard]] Json object(const std::string& as) const {
    return Json::Object{
        {"keytype", keytype}, {"scheme", scheme}, {"keyval", Json::Object{{"public", as}}}};
  }
};

std::string public_text(EVP_PKEY* pair) {
  if (EVP_PKEY_get_base_id(pair) == EVP_PKEY_ED25519) {
    std::array<unsigned char, 32> bytes{};
    std::size_t size = bytes.size();
    if (EVP_PKEY_get_raw_public_key(pair, bytes.data(), &size) != 1) std::abort();
    return cube::to_hex(bytes.data(), size);
  }
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  char* text = nullptr;
  if (PEM_write_bio_PUBKEY(out.get(), pair) != 1) std::abort();
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

Signer signer(const char* keytype, const char* scheme, EVP_PKEY* made) {
  if (made == nullptr) std::abort();
  return {keytype, scheme, Key(made, &EVP_PKEY_free), public_text(made)};
}

const std::array<Signer, 3>& signers() {
  static const std::array<Signer, 3> all{
      signer("ed25519", "ed25519", EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")),
      signer("ecdsa", "ecdsa-sha2-nistp256", EVP_EC_gen("P-256")),
      signer("rsa", "rsassa-pss-sha256", EVP_RSA_gen(2048))};
  return all;
}

std::string sign(const Signer& by, const std::string& message) {
  const bool is_ed25519 = EVP_PKEY_get_base_id(by.pair.get()) == EVP_PKEY_ED25519;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  EVP_PKEY_CTX* scheme = nullptr;
  std::string signature(512, '\0');
  std::size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), &scheme, is_ed25519 ? nullptr : EVP_sha256(), nullptr,
                         by.pair.get()) != 1 ||
      (EVP_PKEY_get_base_id(by.pair.get()) == EVP_PKEY_RSA &&
       EVP_PKEY_CTX_set_rsa_padding(scheme, RSA_PKCS1_PSS_PADDING) != 1) ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     reinterpret_cast<const unsigned char*>(message.data()), message.size()) != 1)
    std::abort();
  return signature.substr(0, size);
}

// One change that leaves no text as it was.
void change(std::string& text, cube::Choices& choices) {
  const auto at = text.empty() ? 0 : choices.below(text.size());
  const auto what = static_cast<char>(choices.byte());
  switch (choices.below(4)) {
    case 0:
      if (!text.empty() && what != 0) {
        text[at] = static_cast<char>(text[at] ^ what);
        return;
      }
      [[fallthrough]];
    case 1:
      text += what;
      return;
    case 2:
      if (at > 0) {
        text.resize(at);
        return;
      }
      [[fallthrough]];
    default:
      text.insert(text.begin(), what);
  }
}

bool matches(const PublicKey& key, const std::string& message, const std::string& signature) {
  const auto verdict = cube::signature_matches(key, message, signature);
  return verdict && *verdict;
}

void change_the_key(const Signer& by, const PublicKey& key, const std::string& message,
                    const std::string& signature, cube::Choices& choices) {
  std::string text = by.text;
  change(text, choices);
  const auto other = PublicKey::parse(by.object(text));
  if (other && matches(*other, message, signature) != (other->bytes == key.bytes)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cube::Choices choices(data, size);
  const Signer& by = signers()[choices.below(3)];
  const Signer& other = signers()[choices.below(3)];
  const auto what = choices.below(4);
  const auto key = PublicKey::parse(by.object(by.text)).value();
  if (what == 3) {
    const auto message = choices.text(choices.byte());
    if (matches(key, message, choices.rest())) std::abort();
    return 0;
  }
  // The changes come before the message, so that they stay what they are when it grows.
  cube::Choices changes = choices;
  (void)choices.text(6);
  std::string message = choices.rest();
  std::string signature = sign(by, message);
  if (!matches(key, message, signature)) std::abort();
  if (&other != &by &&
      matches(PublicKey::parse(other.object(other.text)).value(), message, signature))
    std::abort();
  if (what == 0) change_the_key(by, key, message, signature, changes);
  if (what == 1) change(message, changes);
  if (what == 2) change(signature, changes);
  if (what != 0 && matches(key, message, signature)) std::abort();
  return 0;
}
