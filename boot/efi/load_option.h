// A boot option of the firmware, as the variables Boot0000 to BootFFFF hold it (EFI_LOAD_OPTION of
// the UEFI specification 2.10, 3.1.3), and the device path of a file on a partition (10.3.5.1 and
// 10.3.5.4). Pure; the bytes are foreign: up to max_efi_value of them, and nothing is believed that
// reaches beyond them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cube {

// A partition as the firmware finds it again: by its GUID, whatever disk it is on.
struct GptPartition {
  std::uint32_t number = 0;  // 1..
  std::uint64_t start = 0;   // in blocks of the disk
  std::uint64_t size = 0;
  std::array<char, 16> guid{};  // as the disk has it

  friend bool operator==(const GptPartition&, const GptPartition&) = default;
};

// In its order the firmware passes over options that are not active, and those of a category, such
// as its own menu.
inline constexpr std::uint32_t option_is_active = 0x1, option_category = 0x1f00;

struct LoadOption {
  std::uint32_t attributes = option_is_active;
  std::string description;  // 1..64 characters; all but printable ASCII is read as '?'
  std::string path;         // device paths, binary
  std::string data;         // handed to the program; for a kernel: its arguments, UTF-16

  friend bool operator==(const LoadOption&, const LoadOption&) = default;
};

inline constexpr std::size_t max_description = 64;

// Errors: corrupt (cut short, no description, device paths that do not end where they must).
[[nodiscard]] Result<LoadOption> parse_load_option(std::string_view value);
// Errors: corrupt (description or path too long, other characters).
[[nodiscard]] Result<std::string> render_load_option(const LoadOption& option);

// The file that device paths name, as "EFI/debian/shimx64.efi"; "" when they name none, or one with
// other characters than printable ASCII.
[[nodiscard]] std::string file_of_path(std::string_view path);

// HD(...)/File(`file`)/End; `file` as "\cube\kernels\...". Errors: corrupt (other characters).
[[nodiscard]] Result<std::string> path_of_file(const GptPartition& partition,
                                               std::string_view file);

}  // namespace cube
