// Early microcode: files that an initramfs has before all else, uncompressed, for the kernel to
// load into the processors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cube::insight {

inline constexpr std::size_t max_microcode = 64 * 1024 * 1024;  // bytes of one file

// "intel" or "amd" by the path that the kernel looks for: "kernel/x86/microcode/GenuineIntel.bin",
// "kernel/x86/microcode/AuthenticAMD.bin"; "" of all others.
[[nodiscard]] std::string microcode_vendor(std::string_view path);
// How many updates such a file holds; what is no update ends the count. Pure.
[[nodiscard]] std::uint64_t microcode_updates(std::string_view vendor, std::string_view bytes);

}  // namespace cube::insight
