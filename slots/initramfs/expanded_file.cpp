#include "slots/initramfs/expanded_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "slots/initramfs/decompress.h"

namespace cube {

Result<std::string> expanded_file(const Fd& file, std::uint64_t max_bytes,
                                  const std::string& name) {
  const Fd memory(::memfd_create("expanded", MFD_CLOEXEC));
  if (!memory.valid()) return system_error("memory for " + name);
  const auto done = decompress(file, 0, memory, max_bytes, name);
  if (!done) return Error(done.error());
  struct stat st {};
  if (::fstat(memory.get(), &st) != 0) return system_error("memory for " + name);
  return read_piece(memory, 0, static_cast<std::uint64_t>(st.st_size));
}

Result<std::string> read_piece(const Fd& file, std::uint64_t at, std::uint64_t size) {
  std::string bytes(size, '\0');
  for (std::size_t have = 0; have < size;) {
    const auto n = TEMP_FAILURE_RETRY(
        ::pread(file.get(), bytes.data() + have, size - have, static_cast<off_t>(at + have)));
    if (n < 0) return system_error("read");
    if (n == 0) return Error{Errc::invalid, "a file ends too early"};
    have += static_cast<std::size_t>(n);
  }
  return bytes;
}

}  // namespace cube
