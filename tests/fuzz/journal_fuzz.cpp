// A journal from a bad disk: no crash, and what is accepted survives being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/journal_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto stored = cube::decode_journal({reinterpret_cast<const char*>(data), size});
  if (!stored) return 0;
  const auto bytes = cube::encode_journal(*stored);
  if (!bytes) std::abort();
  const auto again = cube::decode_journal(*bytes);
  if (!again || !(again->journal == stored->journal) || again->generation != stored->generation)
    std::abort();
  return 0;
}
