// What a kernel module says of itself: the section .modinfo of its file, "NAME=VALUE" texts one
// after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cube::insight {

// `count` bytes at `at`; fewer: the file ends there.
using ReadAt = std::function<Result<std::string>(std::uint64_t at, std::size_t count)>;

inline constexpr std::size_t max_module_bytes = 64 * 1024 * 1024;  // of a compressed one, expanded
inline constexpr std::size_t max_sections = 65535;
inline constexpr std::size_t max_section_names = 8 * 1024 * 1024;  // bytes
inline constexpr std::size_t max_modinfo = 4 * 1024 * 1024;        // bytes

// The section of a module for a 64-bit machine that is little-endian, as x86 and arm64 are; "" of a
// module without one. Only the parts that lead there are read. Errors: corrupt (no such module, or
// more than the bounds), those of `read`.
[[nodiscard]] Result<std::string> modinfo_section(const ReadAt& read);
// Every value of that name, in order: {"a.bin", "b.bin"} of "firmware".
[[nodiscard]] std::vector<std::string_view> modinfo_values(std::string_view section,
                                                           std::string_view name);

}  // namespace cube::insight
