#include "keys/key.h"

#include <gtest/gtest.h>

#include "base/digest.h"
#include "keys/signature.h"
#include "tests/support/tuf_signer.h"

namespace cube {
namespace {

Json key_object(const std::string& hex, const std::string& type = "ed25519",
                const std::string& scheme = "ed25519") {
  return Json::Object{
      {"keytype", type}, {"scheme", scheme}, {"keyval", Json::Object{{"public", hex}}}};
}

std::string flipped_sign(std::string hex) {
  const std::string digits = "0123456789abcdef";
  hex[62] = digits[digits.find(hex[62]) ^ 8];
  return hex;
}

// RFC 8032, section 7.1, test 2.
constexpr const char* rfc_key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
constexpr const char* rfc_signature =
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

TEST(Key, KnownSignatureIsVerifiedAndEveryChangeIsNoticed) {
  const auto key = PublicKey::parse(key_object(rfc_key)).value();
  const auto signature = from_hex(rfc_signature).value();
  EXPECT_TRUE(signature_matches(key, "r", signature).value());
  EXPECT_FALSE(signature_matches(key, "s", signature).value());
  EXPECT_FALSE(signature_matches(key, "", signature).value());
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    auto changed = signature;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(signature_matches(key, "r", changed).value()) << bit;
  }
  for (const std::size_t size : {0u, 1u, 63u})
    EXPECT_FALSE(signature_matches(key, "r", signature.substr(0, size)).value()) << size;
  EXPECT_FALSE(signature_matches(key, "r", signature + "x").value());
}

TEST(Key, SmallOrderAndNonCanonicalKeysAreRefused) {
  const std::string zeros(62, '0');
  const std::string ones(60, 'f');
  for (const std::string& hex :
       {zeros + "00", "01" + zeros, "ec" + ones + "7f", "ed" + ones + "7f", "ee" + ones + "7f",
        "ff" + ones + "7f",
        std::string("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        std::string("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")}) {
    ASSERT_EQ(hex.size(), 64u);
    EXPECT_EQ(PublicKey::parse(key_object(hex)).error().code, Errc::corrupt) << hex;
    EXPECT_FALSE(PublicKey::parse(key_object(flipped_sign(hex)))) << flipped_sign(hex);
  }
  EXPECT_TRUE(PublicKey::parse(key_object("eb" + ones + "7f"))) << "p - 2 is an ordinary y";
}

TEST(Key, WrongFormsAreRefused) {
  EXPECT_EQ(PublicKey::parse(key_object(rfc_key, "ed448")).error().code, Errc::untrusted);
  EXPECT_EQ(PublicKey::parse(key_object(rfc_key, "ed25519", "x")).error().code, Errc::untrusted);
  const std::string hex = rfc_key;
  for (const auto& wrong : {std::string(), hex.substr(2), hex + "00", "zz" + hex.substr(2),
                            "3D" + hex.substr(2), " " + hex.substr(1)})
    EXPECT_FALSE(PublicKey::parse(key_object(wrong))) << wrong;
  EXPECT_FALSE(PublicKey::parse(Json()));
  EXPECT_FALSE(PublicKey::parse(Json::Object{{"keytype", "ed25519"}, {"scheme", "ed25519"}}));
}

TEST(Key, IdIsTheHashOfTheWholeObject) {
  EXPECT_EQ(key_id(Json::parse(R"({ "b": 1, "a": "x" })").value()),
            to_hex(sha256(R"({"a":"x","b":1})")));
  EXPECT_NE(SigningKey("k").id(), SigningKey("k", "note").id());
  EXPECT_EQ(PublicKey::parse(SigningKey("k").object())->bytes,
            PublicKey::parse(SigningKey("k", "note").object())->bytes);
}

}  // namespace
}  // namespace cube
