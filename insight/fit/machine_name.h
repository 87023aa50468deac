// Kinds of machines, as `uname -m` and the headers of programs name them.
#pragma once

#include <cstdint>
#include <string>

namespace cube::insight {

// "x86_64" of 62, as ELF numbers machines (gABI, e_machine); "elf-7" of one that has no name here.
[[nodiscard]] inline std::string machine_name_of_elf(std::uint16_t number) {
  switch (number) {
    case 3:
      return "i686";
    case 21:
      return "ppc64le";
    case 22:
      return "s390x";
    case 40:
      return "armv7l";
    case 62:
      return "x86_64";
    case 183:
      return "aarch64";
    case 243:
      return "riscv64";
    default:
      return "elf-" + std::to_string(number);
  }
}

}  // namespace cube::insight
