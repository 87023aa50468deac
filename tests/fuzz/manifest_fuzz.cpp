// A manifest from anybody: no crash, and what is accepted survives being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/manifest.h"
#include "model/name.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto release = cube::parse_manifest({reinterpret_cast<const char*>(data), size});
  if (!release) return 0;
  if (!cube::is_safe_name(release->name.text) || release->commit.size() != 64) std::abort();
  const auto text = render_manifest(*release);
  const auto again = cube::parse_manifest(text);
  if (!again || render_manifest(*again) != text) std::abort();
  return 0;
}
