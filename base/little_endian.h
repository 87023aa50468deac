// Numbers as firmware and disks keep them: little-endian, at any offset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cube {

// `size` bytes (1..8) at `at`, which must lie within `bytes`.
[[nodiscard]] inline std::uint64_t number_at(std::string_view bytes, std::size_t at,
                                             std::size_t size) {
  std::uint64_t number = 0;
  for (std::size_t i = size; i > 0; --i)
    number = number << 8 | static_cast<unsigned char>(bytes[at + i - 1]);
  return number;
}

inline void append_number(std::string& bytes, std::uint64_t number, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    bytes.push_back(static_cast<char>(number >> (8 * i) & 0xff));
}

}  // namespace cube
