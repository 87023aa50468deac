// SHA-256 through OpenSSL (which uses the CPU's SHA instructions), and lower-case hex.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace cube {

using Sha256 = std::array<std::uint8_t, 32>;

class Sha256Hasher {
 public:
  Sha256Hasher();
  ~Sha256Hasher();
  Sha256Hasher(const Sha256Hasher&) = delete;
  Sha256Hasher& operator=(const Sha256Hasher&) = delete;

  void update(const void* bytes, std::size_t count);
  void update(std::string_view bytes) { update(bytes.data(), bytes.size()); }
  // The digest of everything since construction or the last finish(); starts anew.
  Sha256 finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

[[nodiscard]] Sha256 sha256(std::string_view bytes);
// From the current offset to the end, in bounded memory. Errors: failed.
[[nodiscard]] Result<Sha256> sha256_of_rest(const Fd& fd);

[[nodiscard]] std::string to_hex(const void* bytes, std::size_t count);
[[nodiscard]] inline std::string to_hex(const Sha256& digest) {
  return to_hex(digest.data(), digest.size());
}
// Exactly lower-case hex of even length. Errors: invalid.
[[nodiscard]] Result<std::string> from_hex(std::string_view hex);
// Exactly 64 lower-case hex digits. Errors: invalid.
[[nodiscard]] Result<Sha256> parse_sha256(std::string_view hex);
// True for 64 lower-case hex digits.
[[nodiscard]] bool is_sha256_hex(std::string_view text);

}  // namespace cube
