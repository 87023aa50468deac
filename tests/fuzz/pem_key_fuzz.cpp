// A key in PEM from anybody: no crash, a bounded share of memory, and what is accepted is in the
// one form that leads back to itself. The input is tried as PEM, and as the DER inside a PEM block.
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "keys/pem_key.h"

namespace {

// libcrypto's memory, as far as it goes through its own functions.
constexpr std::size_t bytes_of_any_input = 32 * 1024;
constexpr std::size_t bytes_per_byte = 8;
std::size_t held = 0;
std::size_t most_held = 0;

// Before each block stands its size.
constexpr std::size_t head = alignof(std::max_align_t);

void* take(std::size_t size, const char*, int) {
  auto* block = static_cast<unsigned char*>(std::malloc(size + head));
  if (block == nullptr) return nullptr;
  *reinterpret_cast<std::size_t*>(block) = size;
  held += size;
  most_held = std::max(most_held, held);
  return block + head;
}
void give_back(void* at, const char*, int) {
  if (at == nullptr) return;
  auto* block = static_cast<unsigned char*>(at) - head;
  held -= *reinterpret_cast<std::size_t*>(block);
  std::free(block);
}
void* resize(void* at, std::size_t size, const char* file, int line) {
  if (at == nullptr) return take(size, file, line);
  if (size == 0) {
    give_back(at, file, line);
    return nullptr;
  }
  const std::size_t before =
      *reinterpret_cast<std::size_t*>(static_cast<unsigned char*>(at) - head);
  void* bigger = take(size, file, line);
  if (bigger == nullptr) return nullptr;
  std::copy_n(static_cast<unsigned char*>(at), std::min(before, size),
              static_cast<unsigned char*>(bigger));
  give_back(at, file, line);
  return bigger;
}

std::string pem_of(const std::string& der) {
  const auto blocks = (der.size() + 2) / 3;
  std::string text(blocks * 4 + 1, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                  reinterpret_cast<const unsigned char*>(der.data()), static_cast<int>(der.size()));
  text.pop_back();
  std::string pem = "-----BEGIN PUBLIC KEY-----\n";
  for (std::size_t at = 0; at < text.size(); at += 64) pem += text.substr(at, 64) + "\n";
  return pem + "-----END PUBLIC KEY-----\n";
}

// The most that is held at one time while the text is read.
std::size_t memory_for(const std::string& pem) {
  const std::size_t before = held;
  most_held = held;
  (void)cube::p256_key_of_pem(pem);
  (void)cube::rsa_key_of_pem(pem);
  return most_held - before;
}

void check(const std::string& pem) {
  const std::size_t most = bytes_of_any_input + bytes_per_byte * pem.size();
  // What libcrypto loads once for a kind of key is not the input's share.
  if (memory_for(pem) > most && memory_for(pem) > most) std::abort();
  const auto p256 = cube::p256_key_of_pem(pem);
  const auto rsa = cube::rsa_key_of_pem(pem);
  if (p256 && rsa) std::abort();
  if (p256 && (p256->size() != 91 || cube::p256_key_of_pem(pem_of(*p256)).value() != *p256))
    std::abort();
  if (rsa && cube::rsa_key_of_pem(pem_of(*rsa)).value() != *rsa) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool counted = CRYPTO_set_mem_functions(&take, &resize, &give_back) == 1;
  if (!counted) std::abort();
  const std::string input(reinterpret_cast<const char*>(data), size);
  check(input);
  check(pem_of(input));
  return 0;
}
