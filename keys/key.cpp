#include "keys/key.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/digest.h"
#include "base/mutation.h"
#include "keys/pem_key.h"

namespace cube {
namespace {

// The y coordinates of the eight points of small order, little-endian, sign bit cleared.
constexpr std::array<std::string_view, 5> small_order{
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"};

// True when y < 2^255 - 19.
bool is_canonical(const std::string& y) {
  const auto low = static_cast<unsigned char>(y[0]);
  const bool top = static_cast<unsigned char>(y[31]) == 0x7f;
  const bool middle = std::all_of(y.begin() + 1, y.begin() + 31,
                                  [](char c) { return static_cast<unsigned char>(c) == 0xff; });
  return !(top && middle && low >= 0xed);
}

Status check_ed25519(const std::string& bytes) {
  if (mutated("small-order-key-accepted")) return ok();
  std::string y = bytes;
  y[31] = static_cast<char>(y[31] & 0x7f);
  if (!is_canonical(y)) return Error{Errc::corrupt, "ed25519 key is not in canonical form"};
  const auto hex = to_hex(y.data(), y.size());
  if (std::find(small_order.begin(), small_order.end(), hex) != small_order.end())
    return Error{Errc::corrupt, "ed25519 key of small order, good for any signature"};
  return ok();
}

Result<std::string> ed25519_key_of_hex(const std::string& hex) {
  if (!is_sha256_hex(hex))
    return Error{Errc::corrupt, "ed25519 key is not written as 64 lower-case hex digits"};
  CUBE_TRY(std::string bytes, from_hex(hex));
  CUBE_CHECK(check_ed25519(bytes));
  return bytes;
}

// How one type of key is written and what it signs with.
struct Kind {
  std::string_view keytype;
  std::string_view scheme;
  SignatureScheme means;
  Result<std::string> (*read)(const std::string&);
};

// "ecdsa" is how older repositories write the type.
constexpr std::array<Kind, 4> kinds{
    {{"ed25519", "ed25519", SignatureScheme::ed25519, ed25519_key_of_hex},
     {"ecdsa", "ecdsa-sha2-nistp256", SignatureScheme::ecdsa_p256, p256_key_of_pem},
     {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", SignatureScheme::ecdsa_p256, p256_key_of_pem},
     {"rsa", "rsassa-pss-sha256", SignatureScheme::rsa_pss, rsa_key_of_pem}}};

}  // namespace

Result<PublicKey> PublicKey::parse(const Json& key) {
  CUBE_TRY(const std::string keytype, key.string_at("keytype"));
  CUBE_TRY(const std::string scheme, key.string_at("scheme"));
  const auto* kind = std::find_if(kinds.begin(), kinds.end(), [&](const Kind& known) {
    return known.keytype == keytype && known.scheme == scheme;
  });
  if (kind == kinds.end())
    return Error{Errc::untrusted,
                 "key type or scheme is not known here; ed25519, "
                 "ecdsa-sha2-nistp256 and rsassa-pss-sha256 are"};
  CUBE_TRY(const Json keyval, key.member("keyval"));
  CUBE_TRY(const std::string text, keyval.string_at("public"));
  PublicKey parsed;
  parsed.scheme = kind->means;
  CUBE_TRY(parsed.bytes, kind->read(text));
  parsed.id = key_id(key);
  return parsed;
}

std::string key_id(const Json& key) {
  return to_hex(sha256(key.canonical()));
}

}  // namespace cube
