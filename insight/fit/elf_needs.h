// What a program or library demands of the processor: its machine, and the level of x86-64 that
// its notes name. Foreign bytes: only headers and notes are read, within bounds, and nothing is
// believed that lies outside of the file.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace cube::insight {

struct ElfNeeds {
  std::string machine;  // "x86_64"
  // Of x86-64, as the psABI counts them: 1 is the baseline, 2 to 4 are x86-64-v2 to -v4. 0: the
  // file does not say (GNU_PROPERTY_X86_ISA_1_NEEDED).
  int level = 0;

  friend bool operator==(const ElfNeeds&, const ElfNeeds&) = default;
};

// Gives exactly `count` bytes from `at` on, or corrupt where the file ends before.
using ReadAt = std::function<Result<std::string>(std::uint64_t at, std::size_t count)>;

// Of 64-bit little-endian files the notes are read; of all others only the machine is known.
// Errors: corrupt (no ELF file, or cut off), those of `read`.
[[nodiscard]] Result<ElfNeeds> elf_needs(const ReadAt& read);
[[nodiscard]] Result<ElfNeeds> elf_needs(const Fd& file);
[[nodiscard]] Result<ElfNeeds> elf_needs(std::string_view file);

}  // namespace cube::insight
