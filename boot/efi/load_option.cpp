#include "boot/efi/load_option.h"

#include <algorithm>

#include "base/little_endian.h"
#include "boot/efi/efi_variables.h"

namespace cube {
namespace {

constexpr std::size_t head = 6;  // attributes, length of the device paths
constexpr unsigned media = 0x04, hard_drive = 0x01, file_path = 0x04;
constexpr std::string_view end_of_path("\x7f\xff\x04\x00", 4);

Error garbage(const std::string& why) {
  return {Errc::corrupt, "is no boot option: " + why};
}

// Nodes of a type, a subtype and a length each, up to the end of the last path.
bool is_device_path(std::string_view path) {
  if (!path.ends_with(end_of_path)) return false;
  while (!path.empty()) {
    if (path.size() < end_of_path.size()) return false;
    const auto length = number_at(path, 2, 2);
    if (length < end_of_path.size() || length > path.size()) return false;
    if (length == path.size()) return path == end_of_path;
    path.remove_prefix(length);
  }
  return false;
}

void append_node(std::string& path, unsigned subtype, const std::string& content) {
  append_number(path, media, 1);
  append_number(path, subtype, 1);
  append_number(path, end_of_path.size() + content.size(), 2);
  path += content;
}

}  // namespace

Result<LoadOption> parse_load_option(std::string_view value) {
  if (value.size() > max_efi_value) return garbage("it is too long");
  if (value.size() < head) return garbage("it is too short");
  LoadOption option;
  option.attributes = static_cast<std::uint32_t>(number_at(value, 0, 4));
  const auto path_size = number_at(value, 4, 2);
  std::size_t at = head;
  for (;; at += 2) {
    if (at + 2 > value.size()) return garbage("its description does not end");
    const auto c = number_at(value, at, 2);
    if (c == 0) break;
    if (option.description.size() == max_description) return garbage("its description is too long");
    option.description.push_back(c >= 0x20 && c < 0x7f ? static_cast<char>(c) : '?');
  }
  at += 2;
  if (option.description.empty()) return garbage("it has no description");
  if (path_size > value.size() - at) return garbage("its device path is cut short");
  option.path = value.substr(at, path_size);
  option.data = value.substr(at + path_size);
  if (!is_device_path(option.path)) return garbage("its device path is none");
  return option;
}

Result<std::string> render_load_option(const LoadOption& option) {
  if (option.description.empty() || option.description.size() > max_description)
    return garbage("the description is too long");
  if (option.path.size() > 0xffff || !is_device_path(option.path))
    return garbage("the device path is none");
  CUBE_TRY(const auto description, encode_efi_text(option.description));
  std::string value;
  append_number(value, option.attributes, 4);
  append_number(value, option.path.size(), 2);
  value += description + option.path + option.data;
  if (value.size() > max_efi_value) return garbage("it is too long");
  return value;
}

Result<std::string> path_of_file(const GptPartition& partition, std::string_view file) {
  constexpr unsigned gpt = 2, by_guid = 2;
  std::string disk;
  append_number(disk, partition.number, 4);
  append_number(disk, partition.start, 8);
  append_number(disk, partition.size, 8);
  disk.append(partition.guid.data(), partition.guid.size());
  append_number(disk, gpt, 1);
  append_number(disk, by_guid, 1);
  CUBE_TRY(const auto name, encode_efi_text(file));
  if (name.size() > 1024) return garbage("the file's name is too long");
  std::string path;
  append_node(path, hard_drive, disk);
  append_node(path, file_path, name);
  return path + std::string(end_of_path);
}

std::string file_of_path(std::string_view path) {
  if (!is_device_path(path)) return "";
  for (; path != end_of_path; path.remove_prefix(number_at(path, 2, 2))) {
    if (number_at(path, 0, 1) != media || number_at(path, 1, 1) != file_path) continue;
    const auto name = path.substr(end_of_path.size(), number_at(path, 2, 2) - end_of_path.size());
    auto text = decode_efi_text(name);
    if (!text) return "";
    std::replace(text->begin(), text->end(), '\\', '/');
    return text->substr(std::min(text->find_first_not_of('/'), text->size()));
  }
  return "";
}

}  // namespace cube
