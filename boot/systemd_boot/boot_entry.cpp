#include "boot/systemd_boot/boot_entry.h"

#include <algorithm>
#include <vector>

#include "boot/cmdline.h"

namespace cube {
namespace {

constexpr std::string_view suffix = ".conf";

Error garbage() {
  return {Errc::corrupt, "is not an entry that cube-update wrote"};
}

struct Line {
  std::size_t at = 0, size = 0;  // of the line with its end
  bool is_default = false;
  std::size_t value_at = 0;
  std::string value;
};

std::vector<Line> lines_of(std::string_view text) {
  constexpr std::string_view blank = " \t", line_end = "\r\n";
  std::vector<Line> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find_first_of(line_end, at), text.size());
    Line line{at, std::min(end + 1, text.size()) - at, false, 0, ""};
    const auto word = std::min(text.find_first_not_of(blank, at), end);
    const auto gap = std::min(text.find_first_of(blank, word), end);
    line.is_default = text.substr(word, gap - word) == "default";
    line.value_at = std::min(text.find_first_not_of(blank, gap), end);
    line.value = text.substr(line.value_at, end - line.value_at);
    lines.push_back(line);
    at += line.size;
  }
  return lines;
}

}  // namespace

std::optional<EntryName> parse_entry_name(std::string_view id) {
  constexpr std::string_view prefix = "cube-";
  if (!id.starts_with(prefix) || !id.ends_with(suffix)) return std::nullopt;
  id.remove_prefix(prefix.size());
  id.remove_suffix(std::min(id.size(), suffix.size()));
  const auto slot = parse_slot(id.substr(0, 1));
  if (!slot) return std::nullopt;
  EntryName name{*slot, std::nullopt, 0};
  if (id.size() == 1) return name;
  if (id[1] != '+') return std::nullopt;
  const auto counter = id.substr(2);
  const auto dash = counter.find('-');
  const auto left = parse_number(counter.substr(0, dash), 1);
  if (!left) return std::nullopt;
  name.left = static_cast<int>(*left);
  if (dash == std::string_view::npos) return name;
  const auto done = parse_number(counter.substr(dash + 1), 4);
  if (!done) return std::nullopt;
  name.done = static_cast<int>(std::min<std::uint32_t>(9, *done));
  return name;
}

std::string entry_id(const EntryName& name) {
  std::string id = "cube-" + std::string(to_string(name.slot));
  if (name.left) id += "+" + std::to_string(*name.left);
  if (name.left && name.done > 0) id += "-" + std::to_string(name.done);
  return id + std::string(suffix);
}

Result<std::string> render_entry(const BootEntry& entry) {
  CUBE_CHECK(check_arguments(entry.arguments));
  const std::string slot(to_string(entry.slot));
  const std::string folder = "/" + kernel_folder(entry.slot, entry.kernel);
  std::string text = "title Slot " + slot + (entry.trial ? ", on trial" : "") + "\n";
  text += std::string("sort-key cube-") + (entry.trial ? "1" : "0") + "\n";
  text += "version " + eight_digits(entry.serial) + "\n";
  text += "options root=LABEL=cube-" + slot + " ro ";
  if (!entry.arguments.empty()) text += entry.arguments + " ";
  text += "cube.slot=" + slot + " cube.canary=" + entry.canary;
  if (entry.trial) text += " " + std::string(trial_arguments);
  text += "\n";
  const std::string last = "\ninitrd " + folder + "/initrd.img\nlinux " + folder + "/vmlinuz\n";
  if (text.size() + last.size() > entry_bytes) return Error{Errc::invalid, "does not fit"};
  text.resize(entry_bytes - last.size(), '#');
  return text + last;
}

Result<BootEntry> parse_entry(std::string_view bytes) {
  if (bytes.size() != entry_bytes) return garbage();
  std::string_view rest = bytes;
  BootEntry entry;
  const auto title = take_between(rest, "title Slot ", "\n");
  const auto key = take_between(rest, "sort-key cube-", "\n");
  const auto serial = take_between(rest, "version ", "\n");
  if (!title || !key || !serial) return garbage();
  const auto slot = parse_slot(title->substr(0, 1));
  if (!slot) return garbage();
  entry.slot = *slot;
  entry.trial = *key == "1";
  const std::string name(to_string(entry.slot));
  const auto arguments = take_between(rest, "options root=LABEL=cube-" + name + " ro ",
                                      "cube.slot=" + name + " cube.canary=");
  if (!arguments || rest.size() < 16) return garbage();
  entry.arguments = arguments->substr(0, arguments->empty() ? 0 : arguments->size() - 1);
  entry.canary = rest.substr(0, 16);
  if (!is_canary(entry.canary)) return garbage();
  const std::string folder = "linux /cube/kernels/" + name + "-";
  const auto at = bytes.rfind(folder);
  if (at == std::string_view::npos) return garbage();
  const auto number = parse_eight_digits(*serial);
  const auto copy = parse_eight_digits(bytes.substr(at + folder.size(), 8));
  if (!number || !copy) return garbage();
  entry.serial = *number;
  entry.kernel = *copy;
  const auto again = render_entry(entry);  // nothing but what we would write ourselves
  if (!again || *again != bytes) return garbage();
  return entry;
}

Result<SlotId> default_of(std::string_view loader_conf) {
  std::optional<SlotId> slot;
  for (const auto& line : lines_of(loader_conf)) {
    if (!line.is_default) continue;
    const auto name = parse_entry_name(line.value);
    if (slot) return Error{Errc::corrupt, "has two lines named default"};
    if (!name || name->left)
      return Error{Errc::corrupt, "names none of cube-update's entries as default"};
    slot = name->slot;
  }
  if (!slot) return Error{Errc::corrupt, "has no line named default"};
  return *slot;
}

std::string with_default(std::string_view loader_conf, SlotId slot) {
  const std::string id = entry_id({slot, std::nullopt, 0});
  std::string text(loader_conf);
  const auto lines = lines_of(loader_conf);
  if (default_of(loader_conf)) {
    for (const auto& line : lines)
      if (line.is_default) text.replace(line.value_at, id.size(), id);
    return text;
  }
  text = "default " + id + "\n";
  for (const auto& line : lines)
    if (!line.is_default) text += loader_conf.substr(line.at, line.size);
  return text;
}

}  // namespace cube
