// A unified kernel image: an EFI stub (systemd's linuxx64.efi.stub) with arguments, kernel and
// initramfs as further sections of the same PE file. Firmware starts it without being told
// anything. Pure; all bytes are foreign. The numbers are those of the PE format for x86-64
// (PE32+, Microsoft's specification, revision 11).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "boot/efi/pe_layout.h"

namespace cube {

inline constexpr std::size_t max_stub = 1024 * 1024;      // systemd 252's has 83 kB
inline constexpr std::uint64_t max_pe_section = 1 << 30;  // bytes

// Of the first max_pe_head bytes of a file, or all of it. Errors: corrupt (no PE32+ for x86-64, or
// headers that reach beyond them).
[[nodiscard]] Result<std::vector<PeSection>> pe_sections(std::string_view head);

struct UnifiedKernel {
  std::string begin;                // the stub with its headers changed
  std::vector<PeSection> sections;  // what was added, in order; zeros lie between
  std::uint64_t size = 0;           // of the whole file
};

struct NewSection {
  std::string name;
  std::uint64_t size = 0;  // 1..max_pe_section
};

// Errors: corrupt (no stub, one that is signed, or without room for more sections), no_space (too
// large).
[[nodiscard]] Result<UnifiedKernel> extend_stub(std::string_view stub,
                                                const std::vector<NewSection>& added);

}  // namespace cube
