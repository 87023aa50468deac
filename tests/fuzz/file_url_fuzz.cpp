// A file URL from anybody: no crash, no NUL, an absolute path, and the path's own URL leads back to it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/file_url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto path = cube::path_of_file_url(text);
  if (!path) return 0;
  if ((*path)[0] != '/') std::abort();
  // A raw NUL is HttpClient's to refuse; an escaped one is refused here.
  if (text.find('\0') == std::string::npos && path->find('\0') != std::string::npos) std::abort();
  const auto again = cube::path_of_file_url(cube::file_url(*path));
  if (text.find('\0') == std::string::npos && (!again || *again != *path)) std::abort();
  return 0;
}
