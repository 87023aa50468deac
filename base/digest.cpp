#include "base/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace cube {

struct Sha256Hasher::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { EVP_MD_CTX_free(evp); }
  // SHA-256 cannot fail on valid arguments; out of memory at the start leaves nothing to report to.
  void start() {
    if (evp == nullptr || EVP_DigestInit_ex(evp, EVP_sha256(), nullptr) != 1) std::abort();
  }
};

Sha256Hasher::Sha256Hasher() : context_(std::make_unique<Context>()) {
  context_->start();
}
Sha256Hasher::~Sha256Hasher() = default;

void Sha256Hasher::update(const void* bytes, std::size_t count) {
  if (EVP_DigestUpdate(context_->evp, bytes, count) != 1) std::abort();
}

Sha256 Sha256Hasher::finish() {
  Sha256 digest{};
  if (EVP_DigestFinal_ex(context_->evp, digest.data(), nullptr) != 1) std::abort();
  context_->start();
  return digest;
}

Sha256 sha256(std::string_view bytes) {
  Sha256Hasher hasher;
  hasher.update(bytes);
  return hasher.finish();
}

Result<Sha256> sha256_of_rest(const Fd& fd) {
  Sha256Hasher hasher;
  std::array<char, 131072> buffer{};
  for (;;) {
    const auto count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return system_error("read");
    }
    if (count == 0) return hasher.finish();
    hasher.update(buffer.data(), static_cast<std::size_t>(count));
  }
}

std::string to_hex(const void* bytes, std::size_t count) {
  static constexpr char digits[] = "0123456789abcdef";
  const auto* byte = static_cast<const std::uint8_t*>(bytes);
  std::string hex;
  hex.reserve(count * 2);
  for (std::size_t i = 0; i < count; ++i) {
    hex.push_back(digits[byte[i] >> 4]);
    hex.push_back(digits[byte[i] & 15]);
  }
  return hex;
}

Result<std::string> from_hex(std::string_view hex) {
  const auto value = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  if (hex.size() % 2 != 0) return Error{Errc::invalid, "hex text of odd length"};
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = value(hex[i]);
    const int low = value(hex[i + 1]);
    if (high < 0 || low < 0) return Error{Errc::invalid, "not lower-case hex"};
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return bytes;
}

Result<Sha256> parse_sha256(std::string_view hex) {
  CUBE_TRY(const auto bytes, from_hex(hex));
  Sha256 digest{};
  if (bytes.size() != digest.size())
    return Error{Errc::invalid, std::string(hex.substr(0, 80)) + ": is no SHA-256"};
  std::transform(bytes.begin(), bytes.end(), digest.begin(),
                 [](char c) { return static_cast<std::uint8_t>(c); });
  return digest;
}

bool is_sha256_hex(std::string_view text) {
  return text.size() == 64 && from_hex(text).has_value();
}

}  // namespace cube
