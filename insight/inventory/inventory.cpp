#include "insight/inventory/inventory.h"

#include <algorithm>

#include "base/json.h"

namespace cube::insight {
namespace {

constexpr std::uint64_t format = 1;

// Bytes of the UTF-8 character that `text` begins with, as RFC 3629 has it; 0: none, or a control
// character.
std::size_t character(std::string_view text) {
  const auto at = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const auto first = at(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7F ? 1 : 0;
  if (first == 0xC2 && at(1) < 0xA0) return 0;  // C1 control characters
  if (first >= 0xC2 && first < 0xE0) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0) {
    const bool shortest = first != 0xE0 || at(1) >= 0xA0;
    const bool surrogate = first == 0xED && at(1) >= 0xA0;
    return follows(1) && follows(2) && shortest && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first < 0xF5) {
    const bool in_range = (first != 0xF0 || at(1) >= 0x90) && (first != 0xF4 || at(1) < 0x90);
    return follows(1) && follows(2) && follows(3) && in_range ? 4 : 0;
  }
  return 0;
}

Result<std::string> text_of(const Json& value) {
  CUBE_TRY(auto text, value.string());
  if (text.size() > max_text) return Error{Errc::corrupt, "a text is too long"};
  for (std::size_t at = 0; at < text.size();) {
    const auto bytes = character(std::string_view(text).substr(at));
    if (bytes == 0) return Error{Errc::corrupt, "a text has control characters"};
    at += bytes;
  }
  return text;
}

Result<Entries> entries_of(const Json& value) {
  CUBE_TRY(const auto members, value.object());
  Entries entries;
  for (const auto& [name, member] : members) {
    CUBE_TRY(auto key, text_of(Json(name)));
    CUBE_TRY(auto text, text_of(member));
    entries.emplace_hint(entries.end(), std::move(key), std::move(text));
  }
  return entries;
}

Result<Names> names_of(const Json& value) {
  CUBE_TRY(const auto members, value.array());
  Names names;
  for (const auto& member : members) {
    CUBE_TRY(auto name, text_of(member));
    names.insert(names.end(), std::move(name));
  }
  return names;
}

Status read_folders(const Json& value, Inventory& inventory) {
  CUBE_TRY(const auto members, value.object());
  for (const auto& [name, member] : members) {
    CUBE_TRY(auto key, text_of(Json(name)));
    CUBE_TRY(inventory.folders[key], member.unsigned_integer());
  }
  return ok();
}

Status read_unreadable(const Json& value, Inventory& inventory) {
  CUBE_TRY(const auto members, value.array());
  for (const auto& member : members) {
    CUBE_TRY(const auto part, member.member("part"));
    CUBE_TRY(const auto why, member.member("why"));
    Unreadable one;
    CUBE_TRY(one.part, text_of(part));
    CUBE_TRY(one.why, text_of(why));
    inventory.unreadable.push_back(std::move(one));
  }
  return ok();
}

Result<Inventory> inventory_of(const Json& json) {
  CUBE_TRY(const auto found, json.unsigned_at("format"));
  if (found != format)
    return Error{Errc::corrupt, "is of format " + std::to_string(found) + ", not 1"};
  Inventory inventory;
  for (const auto& [name, text] :
       {std::pair{"kernel", &inventory.kernel}, std::pair{"initramfs", &inventory.initramfs}}) {
    CUBE_TRY(const auto value, json.member(name));
    CUBE_TRY(*text, text_of(value));
  }
  const auto is_absent = [&](const auto& part) {
    if (!part.later || json.has(part.name)) return false;
    inventory.absent.insert(part.name);
    return true;
  };
  for (const auto& part : entry_parts) {
    if (is_absent(part)) continue;
    CUBE_TRY(const auto value, json.member(part.name));
    CUBE_TRY(inventory.*part.list, entries_of(value));
  }
  for (const auto& part : name_parts) {
    if (is_absent(part)) continue;
    CUBE_TRY(const auto value, json.member(part.name));
    CUBE_TRY(inventory.*part.list, names_of(value));
  }
  CUBE_TRY(const auto folders, json.member("folders"));
  CUBE_CHECK(read_folders(folders, inventory));
  CUBE_TRY(const auto unreadable, json.member("unreadable"));
  CUBE_CHECK(read_unreadable(unreadable, inventory));
  return inventory;
}

}  // namespace

bool Inventory::knows(const std::string& part) const {
  return absent.count(part) == 0 && std::none_of(unreadable.begin(), unreadable.end(),
                                                 [&](const auto& one) { return one.part == part; });
}

std::string inventory_text(const Inventory& inventory) {
  Json::Object json{
      {"format", format}, {"kernel", inventory.kernel}, {"initramfs", inventory.initramfs}};
  for (const auto& part : entry_parts) {
    if (inventory.absent.count(part.name) != 0) continue;
    const auto& list = inventory.*part.list;
    json[part.name] = Json::Object(list.begin(), list.end());
  }
  for (const auto& part : name_parts) {
    if (inventory.absent.count(part.name) != 0) continue;
    const auto& list = inventory.*part.list;
    json[part.name] = Json::Array(list.begin(), list.end());
  }
  json["folders"] = Json::Object(inventory.folders.begin(), inventory.folders.end());
  Json::Array unreadable;
  for (const auto& one : inventory.unreadable)
    unreadable.push_back(Json::Object{{"part", one.part}, {"why", one.why}});
  json["unreadable"] = std::move(unreadable);
  return Json(std::move(json)).canonical() + "\n";
}

Result<Inventory> read_inventory(std::string_view text) {
  auto json = Json::parse(text, {max_inventory_bytes, 4});
  if (!json) return std::move(json).error().in("inventory");
  auto inventory = inventory_of(*json);
  if (!inventory) return std::move(inventory).error().in("inventory");
  return inventory;
}

std::string readable(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string made;
  std::size_t whole = 0;  // of `made`, with room for dots behind
  while (!text.empty()) {
    if (made.size() <= max_text - 3) whole = made.size();
    const auto bytes = character(text);
    if (bytes == 0) {
      const auto byte = static_cast<unsigned char>(text[0]);
      made += {'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
    }
    made += text.substr(0, bytes);
    if (made.size() > max_text) return made.substr(0, whole) + "...";
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return made;
}

}  // namespace cube::insight
