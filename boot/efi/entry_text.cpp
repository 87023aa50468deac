#include "boot/efi/entry_text.h"

#include <algorithm>

namespace cube {

std::string kernel_folder(SlotId slot, std::uint32_t kernel) {
  return "cube/kernels/" + std::string(to_string(slot)) + "-" + eight_digits(kernel);
}

Status check_arguments(std::string_view text) {
  const bool fits =
      text.size() <= max_arguments &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < '\x7f'; }) &&
      (" " + std::string(text)).find(" cube.") == std::string::npos;
  if (fits) return ok();
  return Error{Errc::invalid,
               "the kernel's further arguments (boot.arguments) must be at most 128 printable "
               "ASCII characters, and none begins with \"cube.\""};
}

std::string eight_digits(std::uint32_t number) {
  const auto digits = std::to_string(number);
  return std::string(8 - std::min<std::size_t>(8, digits.size()), '0') + digits;
}

std::optional<std::uint32_t> parse_eight_digits(std::string_view text) {
  if (text.size() != 8) return std::nullopt;
  return parse_number(text.substr(std::min<std::size_t>(text.find_first_not_of('0'), 7)), 8);
}

std::optional<std::uint32_t> parse_number(std::string_view text, std::size_t most_digits) {
  if (text.empty() || text.size() > most_digits || (text.size() > 1 && text[0] == '0'))
    return std::nullopt;
  std::uint32_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return number;
}

std::optional<std::string_view> take_between(std::string_view& text, std::string_view before,
                                             std::string_view after) {
  if (!text.starts_with(before)) return std::nullopt;
  const auto end = text.find(after, before.size());
  if (end == std::string_view::npos) return std::nullopt;
  const auto taken = text.substr(before.size(), end - before.size());
  text.remove_prefix(end + after.size());
  return taken;
}

std::string in_lower_case(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

}  // namespace cube
