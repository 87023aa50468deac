// How an EFI program lies in its file: sections, certificates, and what of it its signature covers.
// Only the headers are looked at; all bytes are foreign. The numbers are those of the PE format
// (PE32+, Microsoft's specification, revision 11) and of its Authenticode digest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"

namespace cube {

inline constexpr std::size_t max_pe_head = 4096;  // where headers must end

struct PeSection {
  std::string name;          // up to 8 characters, ".cmdline"; "/26" of one in the string table
  std::uint64_t offset = 0;  // in the file
  std::uint64_t size = 0;    // what is used of it
};

// Where the headers are, in bytes from the start of the file.
struct PeHeaders {
  std::size_t pe = 0;     // of "PE\0\0"
  std::size_t table = 0;  // of the sections
  std::size_t count = 0;  // sections
  std::uint64_t machine = 0;
  std::uint64_t strings = 0;  // of the table of long names; 0: none

  [[nodiscard]] std::size_t table_end() const;
};
// Of the first max_pe_head bytes of a file, or all of it. Errors: corrupt (no PE32+, or headers
// that reach beyond them).
[[nodiscard]] Result<PeHeaders> pe_headers(std::string_view head);
// In the order of the table. Offsets and sizes are as the table has them, and may lie outside.
[[nodiscard]] std::vector<PeSection> pe_sections_of(std::string_view head,
                                                    const PeHeaders& headers);

struct PeLayout {
  struct Range {
    std::uint64_t offset = 0, size = 0;
  };
  std::vector<PeSection> sections;  // each within the file
  std::vector<Range> covered;       // by the signature, in the order of its digest
  Range certificates;               // WIN_CERTIFICATE entries; size 0: unsigned
  std::uint64_t strings = 0;        // as PeHeaders; may lie outside
};
// `head`: as above; `size`: of the file. Errors: corrupt (also what lies outside of the file, or
// one part on another).
[[nodiscard]] Result<PeLayout> pe_layout(std::string_view head, std::uint64_t size);
// Of a program, which is read to its end. Errors: corrupt (more than 1 GiB), failed.
[[nodiscard]] Result<PeLayout> read_pe_layout(const Fd& file);
// Its Authenticode digest. Errors: corrupt, failed.
[[nodiscard]] Result<Sha256> authenticode_digest(const Fd& file, const PeLayout& layout);
// The bytes of a section, which may have a long name; "" without one of that name. Errors: corrupt
// (more than `max` bytes), failed.
[[nodiscard]] Result<std::string> read_pe_section(const Fd& file, const PeLayout& layout,
                                                  std::string_view name, std::size_t max);
// All entries, one after the other. Errors: corrupt (more than 1 MiB), failed.
[[nodiscard]] Result<std::string> read_pe_certificates(const Fd& file, const PeLayout& layout);

}  // namespace cube
