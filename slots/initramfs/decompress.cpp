#include "slots/initramfs/decompress.h"

#include <archive.h>
#include <archive_entry.h>

#include <array>
#include <memory>
#include <vector>

#include "base/io.h"

namespace cube {
namespace {

constexpr std::size_t block_bytes = 128 * 1024;

struct Closer {
  void operator()(archive* a) const { archive_read_free(a); }
};

// What libarchive reads from: a file from some position on.
struct Input {
  int fd;
  std::uint64_t at;
  std::vector<char> block = std::vector<char>(block_bytes);
};

la_ssize_t read_block(archive* a, void* data, const void** block) {
  auto& input = *static_cast<Input*>(data);
  const auto count = TEMP_FAILURE_RETRY(
      ::pread(input.fd, input.block.data(), input.block.size(), static_cast<off_t>(input.at)));
  if (count < 0) {
    archive_set_error(a, errno, "%s", std::strerror(errno));
    return ARCHIVE_FATAL;
  }
  input.at += static_cast<std::uint64_t>(count);
  *block = input.block.data();
  return count;
}

Error failure(archive* a, const std::string& name) {
  const char* text = archive_error_string(a);
  return {Errc::invalid,
          name + ": cannot be decompressed: " + (text != nullptr ? text : "damaged")};
}

}  // namespace

bool is_compressed(std::string_view begin) {
  using namespace std::string_view_literals;
  for (const auto magic : {"\x1f\x8b"sv,           // gzip, RFC 1952
                           "\xfd\x37zXZ\0"sv,      // xz, its file format 1.1
                           "\x28\xb5\x2f\xfd"sv,   // zstd, RFC 8878
                           "\x04\x22\x4d\x18"sv,   // lz4 frame
                           "\x02\x21\x4c\x18"sv})  // lz4 as the kernel writes it ("legacy")
    if (begin.starts_with(magic)) return true;
  return false;
}

Result<std::uint64_t> decompress(const Fd& from, std::uint64_t start, const Fd& to,
                                 std::uint64_t max_bytes, const std::string& name) {
  const std::unique_ptr<archive, Closer> a(archive_read_new());
  archive_read_support_filter_gzip(a.get());
  archive_read_support_filter_xz(a.get());
  archive_read_support_filter_zstd(a.get());
  archive_read_support_filter_lz4(a.get());
  archive_read_support_format_raw(a.get());
  Input input{from.get(), start};
  if (archive_read_open(a.get(), &input, nullptr, read_block, nullptr) != ARCHIVE_OK)
    return failure(a.get(), name);
  archive_entry* entry = nullptr;
  if (archive_read_next_header(a.get(), &entry) != ARCHIVE_OK) return failure(a.get(), name);
  // The reader itself counts as one. libarchive would also expand what is compressed twice; the
  // kernel would not.
  if (archive_filter_count(a.get()) != 2)
    return Error{Errc::invalid, name + ": is compressed twice, or in an unknown way"};
  std::vector<char> block(block_bytes);
  std::uint64_t total = 0;
  for (;;) {
    const auto count = archive_read_data(a.get(), block.data(), block.size());
    if (count < 0) return failure(a.get(), name);
    if (count == 0) break;
    total += static_cast<std::uint64_t>(count);
    if (total > max_bytes)
      return Error{Errc::invalid, name + ": holds more than " +
                                      std::to_string(max_bytes / (1024 * 1024)) +
                                      " MiB when it is decompressed"};
    CUBE_CHECK(write_all(to, {block.data(), static_cast<std::size_t>(count)}));
  }
  // What the decompressor consumed, not what was read ahead for it.
  return start + static_cast<std::uint64_t>(archive_filter_bytes(a.get(), -1));
}

}  // namespace cube
