#include "boot/uefi/slot_entry.h"

#include "boot/cmdline.h"
#include "boot/efi/efi_variables.h"
#include "boot/efi/entry_text.h"

namespace cube {
namespace {

constexpr std::string_view prefix = "cube-";

Error garbage() {
  return {Errc::corrupt, "is not an entry that cube-update wrote"};
}

// As the firmware writes paths.
std::string folder_of(SlotId slot, std::uint32_t kernel) {
  auto folder = "\\" + kernel_folder(slot, kernel);
  for (auto& c : folder)
    if (c == '/') c = '\\';
  return folder;
}

std::string arguments_of(const SlotEntry& entry) {
  std::string text = "initrd=" + folder_of(entry.slot, entry.kernel) + "\\initrd.img ";
  text += unified_arguments(entry) + " cube.serial=" + eight_digits(entry.serial);
  if (entry.trial)
    text += " cube.left=" + std::to_string(entry.trial->left) +
            " cube.done=" + std::to_string(entry.trial->done) + " " + std::string(trial_arguments);
  return text;
}

// The numbers after the canary. False: others than render_slot_entry() writes.
bool read_numbers(std::string_view rest, SlotEntry& entry) {
  constexpr std::string_view name = " cube.serial=";
  if (!rest.starts_with(name) || rest.size() < name.size() + 8) return false;
  const auto serial = parse_eight_digits(rest.substr(name.size(), 8));
  if (!serial) return false;
  entry.serial = *serial;
  rest.remove_prefix(name.size() + 8);
  if (rest.empty()) return true;
  const auto left = take_between(rest, " cube.left=", " ");
  const auto done = take_between(rest, "cube.done=", " ");
  const auto tries = parse_number(left.value_or(""), 1);
  const auto starts = parse_number(done.value_or(""), 1);
  if (!tries || !starts || *tries == 0) return false;
  entry.trial = TryCount{static_cast<int>(*tries), static_cast<int>(*starts)};
  return true;
}

}  // namespace

Result<std::string> render_slot_entry(const SlotEntry& entry, const GptPartition& partition) {
  CUBE_CHECK(check_arguments(entry.arguments));
  LoadOption option;
  option.description = std::string(prefix) + std::string(to_string(entry.slot));
  CUBE_TRY(option.path, path_of_file(partition, folder_of(entry.slot, entry.kernel) + "\\vmlinuz"));
  CUBE_TRY(option.data, encode_efi_text(arguments_of(entry)));
  return render_load_option(option);
}

Result<SlotEntry> parse_slot_entry(std::string_view value, const GptPartition& partition) {
  const auto option = parse_load_option(value);
  if (!option || !option->description.starts_with(prefix)) return garbage();
  const auto slot = parse_slot(option->description.substr(prefix.size()));
  const auto text = decode_efi_text(option->data);
  if (!slot || !text) return garbage();
  SlotEntry entry;
  entry.slot = *slot;
  const std::string name(to_string(entry.slot));
  std::string_view rest = *text;
  const auto kernel = take_between(rest, "initrd=\\cube\\kernels\\" + name + "-", "\\");
  const auto copy = parse_eight_digits(kernel.value_or(""));
  const auto arguments = take_between(rest, "initrd.img root=LABEL=cube-" + name + " ro ",
                                      "cube.slot=" + name + " cube.canary=");
  if (!copy || !arguments || rest.size() < 16) return garbage();
  entry.kernel = *copy;
  entry.arguments = arguments->substr(0, arguments->empty() ? 0 : arguments->size() - 1);
  entry.canary = rest.substr(0, 16);
  if (!is_canary(entry.canary) || !read_numbers(rest.substr(16), entry)) return garbage();
  const auto again = render_slot_entry(entry, partition);  // nothing but what we would write
  if (!again || *again != value) return garbage();
  return entry;
}

std::string unified_arguments(const SlotEntry& entry) {
  const std::string slot(to_string(entry.slot));
  std::string text = "root=LABEL=" + std::string(prefix) + slot + " ro ";
  if (!entry.arguments.empty()) text += entry.arguments + " ";
  return text + "cube.slot=" + slot + " cube.canary=" + entry.canary;
}

bool is_named_as_ours(std::string_view value) {
  // By the characters alone: an entry of ours that is damaged further on is still one of ours.
  constexpr std::size_t head = 6;
  const auto name = encode_efi_text(prefix);
  return name && value.size() >= head &&
         value.substr(head).starts_with(std::string_view(*name).substr(0, 2 * prefix.size()));
}

std::string option_name(std::uint16_t number) {
  std::string name = "Boot";
  for (int shift = 12; shift >= 0; shift -= 4)
    name.push_back("0123456789ABCDEF"[(number >> shift) & 0xf]);
  return name;
}

std::optional<std::uint16_t> parse_option_name(std::string_view name) {
  if (name.size() != 8 || !name.starts_with("Boot")) return std::nullopt;
  unsigned number = 0;
  for (const char c : name.substr(4)) {
    const auto digit = std::string_view("0123456789ABCDEF").find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    number = number << 4 | static_cast<unsigned>(digit);
  }
  return static_cast<std::uint16_t>(number);
}

}  // namespace cube
