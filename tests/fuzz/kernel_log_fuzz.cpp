// What a dead kernel left: no crash; the detail is one short printable line, and only with a cause.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "boot/postmortem/pstore_post_mortem.h"
#include "model/journal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto evidence = cube::evidence_in({reinterpret_cast<const char*>(data), size});
  if (evidence.detail.size() > cube::max_detail) std::abort();
  if (evidence.cause == cube::Cause::none && !evidence.detail.empty()) std::abort();
  for (const char c : evidence.detail)
    if (c < ' ' || c > '~') std::abort();
  return 0;
}
