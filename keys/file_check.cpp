#include "keys/file_check.h"

#include <openssl/evp.h>

#include <array>

#include "base/digest.h"
#include "base/mutation.h"

namespace cube {
namespace {

std::string sha512_hex(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha512(), nullptr) != 1)
    return {};  // equal to no hash
  return to_hex(digest.data(), size);
}

}  // namespace

Status check_content(const std::string& text, const MetaFile& expected, const std::string& name) {
  if (expected.length && text.size() != *expected.length)
    return Error{Errc::corrupt, name + ": has " + std::to_string(text.size()) +
                                    " bytes instead of " + std::to_string(*expected.length)};
  if (mutated("hash-not-checked")) return ok();
  if (expected.sha256 && to_hex(sha256(text)) != *expected.sha256)
    return Error{Errc::corrupt, name + ": its SHA-256 is not the signed one"};
  if (expected.sha512 && sha512_hex(text) != *expected.sha512)
    return Error{Errc::corrupt, name + ": its SHA-512 is not the signed one"};
  return ok();
}

MetaFile described(const TargetFile& file) {
  MetaFile described;
  described.length = file.length;
  if (!file.sha256.empty()) described.sha256 = file.sha256;
  if (!file.sha512.empty()) described.sha512 = file.sha512;
  return described;
}

}  // namespace cube
