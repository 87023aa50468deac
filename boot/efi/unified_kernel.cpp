#include "boot/efi/unified_kernel.h"

#include <algorithm>

#include "base/little_endian.h"

namespace cube {
namespace {

// Offsets in the file header, behind "PE\0\0".
constexpr std::size_t section_count = 6, optional = 24;
// In the optional header.
constexpr std::size_t section_alignment = 32, file_alignment = 36, image_size = 56,
                      header_size = 60, checksum = 64, certificates = 144;
// Of a section's header.
constexpr std::size_t section_size = 40, virtual_size = 8, virtual_address = 12, raw_size = 16,
                      raw_offset = 20, flags = 36;
constexpr std::uint64_t x86_64 = 0x8664;
constexpr std::uint64_t initialized_data_to_read = 0x40000040;
constexpr std::uint64_t page = 4096;

Error garbage(const std::string& why) {
  return {Errc::corrupt, "is no EFI program for this machine: " + why};
}

Result<PeHeaders> find_headers(std::string_view head) {
  CUBE_TRY(const auto found, pe_headers(head));
  if (found.machine != x86_64) return garbage("it is for another machine");
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
  return pe_sections_of(head, headers);
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
