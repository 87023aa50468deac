// What the boot entries of the loaders on an EFI system partition have in common: the copies of the
// kernels that they name, the arguments that they give, and how foreign text is taken apart. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/slot_id.h"

namespace cube {

inline constexpr std::size_t max_arguments = 128;
inline constexpr std::uint32_t max_serial = 99'999'999;
// The same as packaging/grub.d/cube.cfg gives.
inline constexpr std::string_view trial_arguments =
    "cube.trial=1 panic=10 oops=panic softlockup_panic=1 nmi_watchdog=panic hung_task_panic=1";

// cube/kernels/b-00000007
[[nodiscard]] std::string kernel_folder(SlotId slot, std::uint32_t kernel);

// Further arguments for the kernel (boot.arguments): up to 128 bytes of printable ASCII.
// Errors: invalid (too long, other characters, or one begins with "cube.").
[[nodiscard]] Status check_arguments(std::string_view text);

// With leading zeros.
[[nodiscard]] std::string eight_digits(std::uint32_t number);
// Exactly what eight_digits() writes.
[[nodiscard]] std::optional<std::uint32_t> parse_eight_digits(std::string_view text);
// Digits without a leading zero.
[[nodiscard]] std::optional<std::uint32_t> parse_number(std::string_view text,
                                                        std::size_t most_digits);

// What stands between `before` and `after`, the first that follows; takes it off the text.
[[nodiscard]] std::optional<std::string_view> take_between(std::string_view& text,
                                                           std::string_view before,
                                                           std::string_view after);

// ASCII letters in lower case: FAT and the loaders compare names so.
[[nodiscard]] std::string in_lower_case(std::string text);

}  // namespace cube
