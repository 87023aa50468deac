#include "insight/fit/elf_needs.h"

#include <algorithm>

#include "base/io.h"
#include "base/little_endian.h"
#include "insight/fit/machine_name.h"

namespace cube::insight {
namespace {

// Offsets of the gABI (Elf64_Ehdr, Elf64_Phdr) and of notes; sizes in bytes.
constexpr std::size_t header_bytes = 64, class_at = 4, data_at = 5, machine_at = 18, table_at = 32,
                      entry_bytes_at = 54, entries_at = 56;
constexpr std::size_t entry_bytes = 56, type_at = 0, offset_at = 8, stored_at = 32;
constexpr char class_64 = 2, little_endian = 1, big_endian = 2;
constexpr std::uint64_t note_segment = 4, property_segment = 0x6474e553;  // PT_GNU_PROPERTY
// x86-64 psABI, "program property"; <elf.h>.
constexpr std::uint64_t property_note = 5;  // NT_GNU_PROPERTY_TYPE_0
constexpr std::uint64_t level_needed = 0xc0008002;

constexpr std::size_t max_entries = 256;
constexpr std::size_t max_notes = 64 * 1024;  // bytes of one segment

std::size_t aligned(std::size_t size, std::size_t to) {
  return (size + to - 1) / to * to;
}

// Bit 0: the baseline, bit 1: v2, and so on.
int level_of_bits(std::uint64_t bits) {
  int level = 0;
  for (int place = 0; place < 4; ++place)
    if ((bits >> place & 1) != 0) level = place + 1;
  return level;
}

int level_in_properties(std::string_view bytes) {
  int level = 0;
  while (bytes.size() >= 8) {
    const auto type = number_at(bytes, 0, 4), size = number_at(bytes, 4, 4);
    bytes.remove_prefix(8);
    if (size > bytes.size()) break;
    if (type == level_needed && size == 4)
      level = std::max(level, level_of_bits(number_at(bytes, 0, 4)));
    bytes.remove_prefix(std::min(aligned(size, 8), bytes.size()));
  }
  return level;
}

// Notes with properties are aligned to 8 bytes, others to 4; both are tried by their segment.
int level_in_notes(std::string_view bytes, std::size_t alignment) {
  int level = 0;
  while (bytes.size() >= 12) {
    const auto name_size = number_at(bytes, 0, 4), size = number_at(bytes, 4, 4);
    const auto type = number_at(bytes, 8, 4);
    if (name_size > bytes.size() || size > bytes.size()) break;
    const auto data = 12 + aligned(name_size, 4);
    if (data > bytes.size() || size > bytes.size() - data) break;
    if (type == property_note && bytes.substr(12, name_size) == std::string_view("GNU\0", 4))
      level = std::max(level, level_in_properties(bytes.substr(data, size)));
    bytes.remove_prefix(std::min(aligned(data + size, alignment), bytes.size()));
  }
  return level;
}

Result<int> level_of(const ReadAt& read, std::string_view header) {
  const auto count = std::min<std::size_t>(number_at(header, entries_at, 2), max_entries);
  if (count == 0) return 0;
  if (number_at(header, entry_bytes_at, 2) != entry_bytes)
    return Error{Errc::corrupt, "has program headers of another size"};
  CUBE_TRY(const auto table, read(number_at(header, table_at, 8), count * entry_bytes));
  int level = 0;
  for (std::size_t at = 0; at < table.size(); at += entry_bytes) {
    const auto type = number_at(table, at + type_at, 4);
    if (type != note_segment && type != property_segment) continue;
    const auto size = std::min<std::uint64_t>(number_at(table, at + stored_at, 8), max_notes);
    CUBE_TRY(const auto notes, read(number_at(table, at + offset_at, 8), size));
    level = std::max(level, level_in_notes(notes, 8));
    level = std::max(level, level_in_notes(notes, 4));
  }
  return level;
}

}  // namespace

Result<ElfNeeds> elf_needs(const ReadAt& read) {
  const auto first = read(0, 20);
  if (!first) return first.error();
  const std::string& begin = *first;
  if (!begin.starts_with("\x7f"
                         "ELF"))
    return Error{Errc::corrupt, "is no ELF file"};
  ElfNeeds found;
  if (begin[data_at] == big_endian) {
    const auto low = static_cast<unsigned char>(begin[machine_at + 1]);
    const auto high = static_cast<unsigned char>(begin[machine_at]);
    found.machine = machine_name_of_elf(static_cast<std::uint16_t>(high << 8 | low));
    return found;
  }
  found.machine = machine_name_of_elf(static_cast<std::uint16_t>(number_at(begin, machine_at, 2)));
  if (begin[class_at] != class_64 || begin[data_at] != little_endian) return found;
  CUBE_TRY(const auto header, read(0, header_bytes));
  CUBE_TRY(found.level, level_of(read, header));
  return found;
}

Result<ElfNeeds> elf_needs(const Fd& file) {
  return elf_needs([&](std::uint64_t at, std::size_t count) -> Result<std::string> {
    std::string bytes;
    if (at > INT64_MAX - count) return Error{Errc::corrupt, "is cut off"};
    CUBE_CHECK(read_at(file, at, count, bytes));
    return bytes;
  });
}

Result<ElfNeeds> elf_needs(std::string_view file) {
  return elf_needs([&](std::uint64_t at, std::size_t count) -> Result<std::string> {
    if (at > file.size() || count > file.size() - at) return Error{Errc::corrupt, "is cut off"};
    return std::string(file.substr(at, count));
  });
}

}  // namespace cube::insight
