#include "boot/efi/pe_layout.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "base/io.h"
#include "base/little_endian.h"

namespace cube {
namespace {

// Offsets in the file header, behind "PE\0\0".
constexpr std::size_t machine_at = 4, section_count = 6, symbols_at = 12, symbol_count = 16,
                      optional_size = 20, optional = 24;
constexpr std::size_t symbol_size = 18;
// In the optional header.
constexpr std::size_t header_size = 60, checksum = 64, directories = 108, certificates = 144,
                      optional_end = 152;
constexpr std::uint64_t directories_needed = 5;  // that of the certificates is the fifth
// Of a section's header.
constexpr std::size_t section_size = 40, virtual_size = 8, raw_size = 16, raw_offset = 20;
constexpr std::uint64_t pe32_plus = 0x20b;

constexpr std::uint64_t max_program = 1ULL << 30;
constexpr std::size_t max_certificates = 1024 * 1024;
constexpr std::size_t piece = 256 * 1024;

Error garbage(const std::string& why) {
  return {Errc::corrupt, "is no EFI program for this machine: " + why};
}

bool is_within(std::uint64_t offset, std::uint64_t size, std::uint64_t whole) {
  return offset <= whole && size <= whole - offset;
}

// What is stored of each section that has bytes, in the order of the file.
Result<std::vector<PeLayout::Range>> stored_sections(std::string_view head,
                                                     const PeHeaders& headers,
                                                     std::uint64_t header_end, std::uint64_t size) {
  std::vector<PeLayout::Range> stored;
  for (auto at = headers.table; at < headers.table_end(); at += section_size) {
    const PeLayout::Range range{number_at(head, at + raw_offset, 4),
                                number_at(head, at + raw_size, 4)};
    if (range.size == 0) continue;
    if (!is_within(range.offset, range.size, size)) return garbage("a section lies outside of it");
    stored.push_back(range);
  }
  std::sort(stored.begin(), stored.end(),
            [](const auto& a, const auto& b) { return a.offset < b.offset; });
  auto end = header_end;
  for (const auto& range : stored) {
    if (range.offset < end) return garbage("its sections overlap");
    end = range.offset + range.size;
  }
  return stored;
}

// "/26": the name lies at byte 26 of the table of long names, and ends with a NUL.
bool has_name(const Fd& file, const PeLayout& layout, const PeSection& section,
              std::string_view name) {
  if (section.name == name) return true;
  std::uint64_t at = 0;
  const auto* end = section.name.data() + section.name.size();
  if (!section.name.starts_with('/') || layout.strings == 0 ||
      std::from_chars(section.name.data() + 1, end, at).ptr != end)
    return false;
  std::string bytes;
  return read_at(file, layout.strings + at, name.size() + 1, bytes) &&
         bytes == std::string(name) + '\0';
}

}  // namespace

std::size_t PeHeaders::table_end() const {
  return table + count * section_size;
}

Result<PeHeaders> pe_headers(std::string_view head) {
  constexpr std::size_t dos_header = 64, pe_offset = 0x3c;
  if (head.size() < dos_header || !head.starts_with("MZ"))
    return garbage("it does not begin as one");
  PeHeaders found;
  found.pe = number_at(head, pe_offset, 4);
  const auto limit = std::min(head.size(), max_pe_head);
  if (found.pe > limit || limit - found.pe < optional + optional_end ||
      head.substr(found.pe, 4) != std::string_view("PE\0\0", 4))
    return garbage("it has no PE header");
  const auto size = number_at(head, found.pe + optional_size, 2);
  found.machine = number_at(head, found.pe + machine_at, 2);
  if (size < optional_end || number_at(head, found.pe + optional, 2) != pe32_plus)
    return garbage("it is for another machine");
  found.table = found.pe + optional + size;
  found.count = number_at(head, found.pe + section_count, 2);
  if (found.table_end() > limit) return garbage("its headers are too long");
  // Behind the symbols; of 32 bits each, so that the sum is none that overflows.
  if (const auto symbols = number_at(head, found.pe + symbols_at, 4); symbols != 0)
    found.strings = symbols + number_at(head, found.pe + symbol_count, 4) * symbol_size;
  return found;
}

std::vector<PeSection> pe_sections_of(std::string_view head, const PeHeaders& headers) {
  std::vector<PeSection> sections;
  for (auto at = headers.table; at < headers.table_end(); at += section_size) {
    auto name = std::string(head.substr(at, virtual_size));
    name = name.substr(0, name.find('\0'));
    const auto used = number_at(head, at + virtual_size, 4);
    const auto stored = number_at(head, at + raw_size, 4);
    sections.push_back({name, number_at(head, at + raw_offset, 4), std::min(used, stored)});
  }
  return sections;
}

// The headers without checksum and the entry of the certificates, the sections, and what follows
// them but for the certificates, which come last.
Result<PeLayout> pe_layout(std::string_view head, std::uint64_t size) {
  CUBE_TRY(const auto headers, pe_headers(head));
  const auto field = [&](std::size_t at, std::size_t count) {
    return number_at(head, headers.pe + optional + at, count);
  };
  const auto header_end = field(header_size, 4);
  if (header_end < headers.table_end() || header_end > size)
    return garbage("its headers are longer than itself");
  PeLayout found;
  found.strings = headers.strings;
  for (auto& section : pe_sections_of(head, headers)) {
    if (section.size != 0 && !is_within(section.offset, section.size, size))
      return garbage("a section lies outside of it");
    found.sections.push_back(std::move(section));
  }
  if (field(directories, 4) < directories_needed)
    return garbage("it has no place for certificates");
  found.certificates = {field(certificates, 4), field(certificates + 4, 4)};
  if (!is_within(found.certificates.offset, found.certificates.size, size))
    return garbage("its certificates lie outside of it");
  CUBE_TRY(const auto stored, stored_sections(head, headers, header_end, size));
  const std::uint64_t checksum_at = headers.pe + optional + checksum,
                      entry_at = headers.pe + optional + certificates;
  found.covered = {{0, checksum_at},
                   {checksum_at + 4, entry_at - checksum_at - 4},
                   {entry_at + 8, header_end - entry_at - 8}};
  found.covered.insert(found.covered.end(), stored.begin(), stored.end());
  const auto end = stored.empty() ? header_end : stored.back().offset + stored.back().size;
  const auto until = found.certificates.size == 0 ? size : found.certificates.offset;
  if (until < end) return garbage("its certificates lie on its sections");
  found.covered.push_back({end, until - end});
  return found;
}

Result<PeLayout> read_pe_layout(const Fd& file) {
  struct stat st {};
  if (::fstat(file.get(), &st) != 0) return system_error("stat");
  const auto size = static_cast<std::uint64_t>(st.st_size);
  if (size > max_program) return garbage("it is too large");
  std::string head;
  CUBE_CHECK(read_at(file, 0, std::min<std::uint64_t>(size, max_pe_head), head));
  return pe_layout(head, size);
}

Result<Sha256> authenticode_digest(const Fd& file, const PeLayout& layout) {
  Sha256Hasher hasher;
  std::string bytes;
  for (const auto& range : layout.covered)
    for (std::uint64_t done = 0; done < range.size; done += bytes.size()) {
      CUBE_CHECK(read_at(file, range.offset + done,
                         std::min<std::uint64_t>(piece, range.size - done), bytes));
      hasher.update(bytes);
    }
  return hasher.finish();
}

Result<std::string> read_pe_section(const Fd& file, const PeLayout& layout, std::string_view name,
                                    std::size_t max) {
  std::string bytes;
  const auto section =
      std::find_if(layout.sections.begin(), layout.sections.end(),
                   [&](const auto& one) { return has_name(file, layout, one, name); });
  if (section == layout.sections.end()) return bytes;
  if (section->size > max) return garbage("its section " + std::string(name) + " is too large");
  CUBE_CHECK(read_at(file, section->offset, section->size, bytes));
  return bytes;
}

Result<std::string> read_pe_certificates(const Fd& file, const PeLayout& layout) {
  std::string bytes;
  if (layout.certificates.size > max_certificates) return garbage("it has too many certificates");
  CUBE_CHECK(read_at(file, layout.certificates.offset, layout.certificates.size, bytes));
  return bytes;
}

}  // namespace cube
