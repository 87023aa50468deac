#include "insight/inventory/module_info.h"

#include <algorithm>

namespace cube::insight {
namespace {

// elf.h has these as structures; here they are read where they are, whatever the alignment.
constexpr std::size_t header_bytes = 64;
constexpr std::size_t section_bytes = 64;

std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;)
    value = (value << 8U) | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

Error wrong(const char* what) {
  return {Errc::corrupt, std::string("no kernel module: ") + what};
}

struct Section {
  std::size_t name;  // where in the names
  std::uint64_t at, size;
};

Section section(std::string_view table, std::size_t index) {
  const auto entry = table.substr(index * section_bytes, section_bytes);
  return {number(entry, 0, 4), number(entry, 24, 8), number(entry, 32, 8)};
}

Result<std::string> whole(const ReadAt& read, std::uint64_t at, std::uint64_t size,
                          std::size_t most) {
  if (size > most) return wrong("a section is too large");
  CUBE_TRY(auto bytes, read(at, size));
  if (bytes.size() != size) return wrong("it is cut off");
  return bytes;
}

}  // namespace

Result<std::string> modinfo_section(const ReadAt& read) {
  using namespace std::string_view_literals;
  CUBE_TRY(const auto header, read(0, header_bytes));
  // 64 bits, little-endian
  if (header.size() != header_bytes || !header.starts_with("\x7f"
                                                           "ELF\x02\x01"sv))
    return wrong("it is no ELF file of 64 bits");
  const auto table_at = number(header, 40, 8);
  const auto count = number(header, 60, 2);
  const auto names_index = number(header, 62, 2);
  if (number(header, 58, 2) != section_bytes || count == 0 || names_index >= count)
    return wrong("its sections make no sense");
  CUBE_TRY(const auto table,
           whole(read, table_at, count * section_bytes, max_sections * section_bytes));
  const auto names_are = section(table, names_index);
  CUBE_TRY(const auto names, whole(read, names_are.at, names_are.size, max_section_names));
  for (std::size_t i = 0; i < count; ++i) {
    const auto one = section(table, i);
    if (one.name >= names.size()) continue;
    if (!std::string_view(names).substr(one.name).starts_with(".modinfo\0"sv)) continue;
    return whole(read, one.at, one.size, max_modinfo);
  }
  return std::string();
}

std::vector<std::string_view> modinfo_values(std::string_view section_text, std::string_view name) {
  std::vector<std::string_view> values;
  while (!section_text.empty()) {
    const auto end = std::min(section_text.find('\0'), section_text.size());
    const auto line = section_text.substr(0, end);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == '=')
      values.push_back(line.substr(name.size() + 1));
    section_text.remove_prefix(std::min(end + 1, section_text.size()));
  }
  return values;
}

}  // namespace cube::insight
