#include "agent/virtual_boot/overlay.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "base/io.h"

namespace cube {
namespace {

constexpr std::uint64_t sector = 512;
constexpr unsigned cluster_bits = 16;
constexpr std::uint64_t cluster = 1ULL << cluster_bits;
constexpr std::uint64_t entry = 8;                            // bytes of one in a table
constexpr std::uint64_t covered = cluster / entry * cluster;  // by one entry of the first table
constexpr std::uint64_t most_bytes = 64ULL << 40;
// What lies where, in clusters: header, table of reference counts, one block of them, first table.
constexpr std::uint64_t counts_at = 1, count_block_at = 2, table_at = 3;

void put(std::string& to, std::uint64_t number, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) to += static_cast<char>(number >> (8 * i) & 0xff);
}

std::string header(std::uint64_t disk_bytes, std::uint64_t entries) {
  std::string text = "QFI\xfb";
  put(text, 2, 4);
  put(text, 0, 8);  // the disk below is named on QEMU's command line
  put(text, 0, 4);
  put(text, cluster_bits, 4);
  put(text, disk_bytes, 8);
  put(text, 0, 4);  // not encrypted
  put(text, entries, 4);
  put(text, table_at * cluster, 8);
  put(text, counts_at * cluster, 8);
  put(text, 1, 4);  // cluster of the table of counts
  put(text, 0, 4);  // no snapshots
  put(text, 0, 8);
  return text;
}

}  // namespace

Result<Fd> nameless_file(const RootDir& root) {
  auto file = root.open_file("var/tmp", O_TMPFILE | O_RDWR, 0600);
  return file ? std::move(file) : root.open_file("var/lib/cube-update", O_TMPFILE | O_RDWR, 0600);
}

Status make_overlay(const Fd& file, std::uint64_t disk_bytes) {
  if (disk_bytes == 0 || disk_bytes % sector != 0 || disk_bytes > most_bytes)
    return Error{Errc::invalid, "a disk of " + std::to_string(disk_bytes) +
                                    " bytes cannot be shown to a virtual machine"};
  const std::uint64_t entries = (disk_bytes + covered - 1) / covered;
  const std::uint64_t clusters = table_at + (entries * entry + cluster - 1) / cluster;
  std::string counts, count_block;
  put(counts, count_block_at * cluster, entry);
  for (std::uint64_t i = 0; i < clusters; ++i) put(count_block, 1, 2);
  CUBE_CHECK(write_at(file, header(disk_bytes, entries), 0));
  CUBE_CHECK(write_at(file, counts, counts_at * cluster));
  CUBE_CHECK(write_at(file, count_block, count_block_at * cluster));
  if (::ftruncate(file.get(), static_cast<off_t>(clusters * cluster)) != 0)
    return system_error("make an overlay");
  return ok();
}

Result<std::uint64_t> bytes_taken(const Fd& file) {
  struct stat st {};
  if (::fstat(file.get(), &st) != 0) return system_error("stat an overlay");
  return static_cast<std::uint64_t>(st.st_blocks) * sector;
}

}  // namespace cube
