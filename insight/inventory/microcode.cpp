#include "insight/inventory/microcode.h"

namespace cube::insight {
namespace {

std::uint64_t number(std::string_view bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 4; i-- > 0;)
    value = (value << 8U) | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// Intel's manual, volume 3, "Microcode update": a header of 48 bytes, version 1, its total size at
// byte 32; 0 stands for 2048.
std::uint64_t intel(std::string_view bytes) {
  constexpr std::size_t header = 48;
  std::uint64_t count = 0;
  while (bytes.size() >= header && number(bytes, 0) == 1) {
    const auto told = number(bytes, 32);
    const auto size = told == 0 ? 2048 : told;
    if (size < header || size > bytes.size()) break;
    ++count;
    bytes.remove_prefix(size);
  }
  return count;
}

// Linux, arch/x86/kernel/cpu/microcode/amd.c: containers of a magic, a table (type 0) and patches
// (type 1), each with type and size before it.
std::uint64_t amd(std::string_view bytes) {
  constexpr std::uint64_t magic = 0x00414d44;
  std::uint64_t count = 0;
  while (bytes.size() >= 8) {
    if (number(bytes, 0) == magic) {
      bytes.remove_prefix(4);
      if (number(bytes, 0) != 0) break;
    } else if (number(bytes, 0) == 1) {
      ++count;
    } else {
      break;
    }
    if (bytes.size() < 8) break;
    const auto size = number(bytes, 4);
    if (size > bytes.size() - 8) break;
    bytes.remove_prefix(8 + size);
  }
  return count;
}

}  // namespace

std::string microcode_vendor(std::string_view path) {
  if (path.starts_with("./")) path.remove_prefix(2);
  if (path == "kernel/x86/microcode/GenuineIntel.bin") return "intel";
  if (path == "kernel/x86/microcode/AuthenticAMD.bin") return "amd";
  return "";
}

std::uint64_t microcode_updates(std::string_view vendor, std::string_view bytes) {
  return vendor == "intel" ? intel(bytes) : amd(bytes);
}

}  // namespace cube::insight
