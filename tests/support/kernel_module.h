// A kernel module as small as one that says something of itself: an ELF file of 64 bits with the
// section .modinfo.
#pragma once

#include <cstdint>
#include <string>

namespace cube {

// `info`: "NAME=VALUE" texts, each with a NUL behind it.
inline std::string kernel_module(const std::string& info) {
  const auto number = [](std::uint64_t value, std::size_t bytes) {
    std::string made;
    for (std::size_t i = 0; i < bytes; ++i, value >>= 8) made += static_cast<char>(value);
    return made;
  };
  const std::string names = std::string("\0.modinfo\0.shstrtab\0", 20);
  const std::uint64_t names_at = 64 + info.size();
  const auto section = [&](std::uint64_t name, std::uint64_t at, std::uint64_t size) {
    return number(name, 4) + number(1, 4) + number(0, 16) + number(at, 8) + number(size, 8) +
           number(0, 24);
  };
  std::string header = std::string("\x7f") + "ELF\x02\x01\x01";
  header.resize(16, '\0');
  header += number(1, 2) + number(62, 2) + number(1, 4) + number(0, 16) +
            number(names_at + names.size(), 8) + number(0, 4) + number(64, 2) + number(0, 4) +
            number(64, 2) + number(3, 2) + number(2, 2);
  return header + info + names + section(0, 0, 0) + section(1, 64, info.size()) +
         section(10, names_at, names.size());
}

}  // namespace cube
