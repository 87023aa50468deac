// A key from anybody: no crash, equal keys are equal bytes, and signatures that fit every message
// under a bad key fit none under a key that passes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/json.h"
#include "keys/key.h"
#include "keys/signature.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = cube::Json::parse({reinterpret_cast<const char*>(data), size});
  if (!json) return 0;
  const auto key = cube::PublicKey::parse(*json);
  if (!key) return 0;
  if (key->bytes.empty() || key->id != cube::key_id(*json)) std::abort();
  const bool is_ed25519 = key->scheme == cube::SignatureScheme::ed25519;
  if (is_ed25519 != (key->bytes.size() == 32)) std::abort();
  std::string signature(64, '\0');  // R = (0, 0): of order 4; S = 0
  const auto zero = cube::signature_matches(*key, "message", signature);
  signature[0] = 1;  // R = identity
  const auto one = cube::signature_matches(*key, "message", signature);
  if (!zero || !one || *zero || *one) std::abort();
  return 0;
}
