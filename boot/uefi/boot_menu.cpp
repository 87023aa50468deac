#include "boot/uefi/boot_menu.h"

#include <algorithm>

#include "base/little_endian.h"
#include "boot/efi/load_option.h"
#include "boot/uefi/slot_entry.h"

namespace cube {
namespace {

constexpr const char* order_variable = "BootOrder";
constexpr const char* next_variable = "BootNext";
constexpr const char* current_variable = "BootCurrent";

// nullopt also where it is damaged.
Result<std::optional<std::uint16_t>> one_number(const EfiVariables& variables, const char* name,
                                                bool& damaged) {
  const auto value = variables.read(name);
  if (!value && value.error().code != Errc::corrupt) return value.error();
  damaged = !value || (*value && (*value)->size() != 2);
  if (damaged || !*value) return std::optional<std::uint16_t>();
  return std::optional(static_cast<std::uint16_t>(number_at(**value, 0, 2)));
}

bool has(const std::vector<std::uint16_t>& numbers, std::uint16_t number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

}  // namespace

const BootOption* BootMenu::Content::option(std::uint16_t number) const {
  for (const auto& one : options)
    if (one.number == number) return &one;
  return nullptr;
}

const BootOption* BootMenu::Content::first() const {
  for (const auto number : order) {
    const auto* one = option(number);
    if (one == nullptr) continue;
    const auto parsed = parse_load_option(one->value);
    if (!parsed || (parsed->attributes & (option_is_active | option_category)) == option_is_active)
      return one;
  }
  return nullptr;
}

Result<std::uint16_t> BootMenu::Content::free_number() const {
  for (unsigned number = 0; number <= 0xffff; ++number) {
    const auto one = static_cast<std::uint16_t>(number);
    if (option(one) == nullptr && !has(order, one) && next != one && current != one) return one;
  }
  return Error{Errc::no_space, "every number of the firmware's boot options is taken"};
}

Result<BootMenu::Content> BootMenu::read() const {
  CUBE_CHECK(variables_.reachable());
  Content content;
  CUBE_TRY(const auto names, variables_.names("Boot"));
  for (const auto& name : names) {
    const auto number = parse_option_name(name);
    if (!number) continue;
    const auto value = variables_.read(name);
    if (!value && value.error().code != Errc::corrupt) return value.error();
    if (value && !*value) continue;  // made, and not yet written
    content.options.push_back({*number, value ? **value : ""});
  }
  const auto order = variables_.read(order_variable);
  if (!order && order.error().code != Errc::corrupt) return order.error();
  const std::string numbers = order && *order ? **order : "";
  content.order_is_damaged = !order || numbers.size() % 2 != 0;
  for (std::size_t at = 0; at + 2 <= numbers.size(); at += 2)
    content.order.push_back(static_cast<std::uint16_t>(number_at(numbers, at, 2)));
  CUBE_TRY(content.next, one_number(variables_, next_variable, content.next_is_damaged));
  bool ignored = false;
  CUBE_TRY(content.current, one_number(variables_, current_variable, ignored));
  return content;
}

Status BootMenu::can_take(std::size_t entry_bytes, std::size_t order_length) const {
  constexpr std::size_t names = 2 * (8 + 8 + 9);  // Boot0000, BootNext, BootOrder
  return variables_.can_take(entry_bytes + 2 + 2 * order_length + names, 3);
}

Status BootMenu::write_option(std::uint16_t number, const std::string& value) {
  return variables_.write(option_name(number), value);
}

Status BootMenu::remove_option(std::uint16_t number) {
  return variables_.remove(option_name(number));
}

Status BootMenu::write_order(const std::vector<std::uint16_t>& order) {
  std::string value;
  for (const auto number : order) append_number(value, number, 2);
  return variables_.write(order_variable, value);
}

Status BootMenu::write_next(std::uint16_t number) {
  std::string value;
  append_number(value, number, 2);
  return variables_.write(next_variable, value);
}

Status BootMenu::remove_next() {
  return variables_.remove(next_variable);
}

}  // namespace cube
