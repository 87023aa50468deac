#include "boot/efi/unified_kernel.h"

#include <algorithm>

#include "boot/efi/little_endian.h"

namespace cube {
namespace {

// Offsets in the file header, behind "PE\0\0".
constexpr std::size_t machine = 4, section_count = 6, optional_size = 20, optional = 24;
// In the optional header.
constexpr std::size_t section_alignment = 32, file_alignment = 36, image_size = 56,
                      header_size = 60, checksum = 64, certificates = 144, optional_end = 152;
// Of a section's header.
constexpr std::size_t section_size = 40, virtual_size = 8, virtual_address = 12, raw_size = 16,
                      raw_offset = 20, flags = 36;
constexpr std::uint64_t x86_64 = 0x8664, pe32_plus = 0x20b;
constexpr std::uint64_t initialized_data_to_read = 0x40000040;
constexpr std::uint64_t page = 4096;

Error garbage(const std::string& why) {
  return {Errc::corrupt, "is no EFI program for this machine: " + why};
}

struct Headers {
  std::size_t pe = 0, table = 0, count = 0;

  [[nodiscard]] std::size_t table_end() const { return table + count * section_size; }
};

Result<Headers> find_headers(std::string_view head) {
  constexpr std::size_t dos_header = 64, pe_offset = 0x3c;
  if (head.size() < dos_header || !head.starts_with("MZ"))
    return garbage("it does not begin as one");
  Headers found;
  found.pe = number_at(head, pe_offset, 4);
  const auto limit = std::min(head.size(), max_pe_head);
  if (found.pe > limit || limit - found.pe < optional + optional_end ||
      head.substr(found.pe, 4) != std::string_view("PE\0\0", 4))
    return garbage("it has no PE header");
  const auto size = number_at(head, found.pe + optional_size, 2);
  if (number_at(head, found.pe + machine, 2) != x86_64 || size < optional_end ||
      number_at(head, found.pe + optional, 2) != pe32_plus)
    return garbage("it is for another machine");
  found.table = found.pe + optional + size;
  found.count = number_at(head, found.pe + section_count, 2);
  if (found.table_end() > limit) return garbage("its headers are too long");
  return found;
}

std::uint64_t up_to(std::uint64_t number, std::uint64_t alignment) {
  return (number + alignment - 1) / alignment * alignment;
}

void put(std::string& bytes, std::size_t at, std::uint64_t number, std::size_t size) {
  std::string text;
  append_number(text, number, size);
  bytes.replace(at, size, text);
}

std::string section_header(const PeSection& section, std::uint64_t address, std::uint64_t stored) {
  std::string header = section.name;
  header.resize(section_size, '\0');
  put(header, virtual_size, section.size, 4);
  put(header, virtual_address, address, 4);
  put(header, raw_size, stored, 4);
  put(header, raw_offset, section.offset, 4);
  put(header, flags, initialized_data_to_read, 4);
  return header;
}

}  // namespace

Result<std::vector<PeSection>> pe_sections(std::string_view head) {
  CUBE_TRY(const auto headers, find_headers(head));
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

Result<UnifiedKernel> extend_stub(std::string_view stub, const std::vector<NewSection>& added) {
  if (stub.size() > max_stub) return garbage("it is too large for a stub");
  CUBE_TRY(const auto headers, find_headers(stub));
  const auto field = [&](std::size_t at, std::size_t size) {
    return number_at(stub, headers.pe + optional + at, size);
  };
  const auto alignment = std::max(page, field(section_alignment, 4));
  const auto in_file = field(file_alignment, 4);
  if (alignment > (1 << 20) || alignment % page != 0 || in_file == 0 || in_file > alignment)
    return garbage("its sections lie oddly");
  if (field(certificates, 8) != 0) return garbage("it is signed, and a longer one would not be");
  const auto table_end = headers.table_end() + added.size() * section_size;
  if (table_end > std::min<std::uint64_t>(field(header_size, 4), stub.size()) ||
      stub.substr(headers.table_end(), added.size() * section_size).find_first_not_of('\0') !=
          std::string_view::npos)
    return garbage("it has no room for more sections");
  UnifiedKernel made;
  made.begin = stub;
  made.size = up_to(stub.size(), in_file);
  std::uint64_t address = up_to(field(image_size, 4), alignment);
  for (std::size_t i = 0; i < added.size(); ++i) {
    const auto size = added[i].size;
    if (size == 0 || size > max_pe_section || added[i].name.size() > virtual_size)
      return Error{Errc::no_space, "section " + added[i].name + " is empty or too large"};
    const PeSection section{added[i].name, made.size, size};
    const auto stored = up_to(size, in_file);
    made.begin.replace(headers.table_end() + i * section_size, section_size,
                       section_header(section, address, stored));
    made.sections.push_back(section);
    made.size += stored;
    address = up_to(address + size, alignment);
  }
  if (address > 0xffffffff || made.size > 0xffffffff)
    return Error{Errc::no_space, "the unified kernel would be too large"};
  put(made.begin, headers.pe + section_count, headers.count + added.size(), 2);
  put(made.begin, headers.pe + optional + image_size, address, 4);
  put(made.begin, headers.pe + optional + checksum, 0, 4);
  return made;
}

}  // namespace cube
