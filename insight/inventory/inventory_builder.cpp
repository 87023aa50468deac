#include "insight/inventory/inventory_builder.h"

#include <algorithm>

#include "base/mutation.h"

namespace cube::insight {
namespace {

constexpr std::size_t told_of_one_part = 10;

// As JSON has it: quotation marks, separators, and what is escaped.
std::size_t json_bytes(const std::string& text) {
  const auto escaped =
      std::count_if(text.begin(), text.end(), [](char c) { return c == '"' || c == '\\'; });
  return text.size() + static_cast<std::size_t>(escaped) + 3;
}

}  // namespace

bool InventoryBuilder::fits(const std::string& part, std::size_t count, std::size_t most,
                            std::size_t bytes) {
  auto& so_far = bytes_[part];
  if (count < most && bytes <= max_part_bytes - so_far) {
    so_far += bytes;
    return true;
  }
  if (told_[part + " bound"]++ == 0)
    not_known(part, "more than an inventory holds; it has the first " + std::to_string(count));
  return false;
}

void InventoryBuilder::add(const Part<Entries>& part, std::string_view name,
                           std::string_view value) {
  auto& list = inventory.*part.list;
  auto key = readable(name);
  auto text = readable(value);
  if (list.count(key) == 0 &&
      !fits(part.name, list.size(), part.most, json_bytes(key) + json_bytes(text)))
    return;
  list.insert_or_assign(std::move(key), std::move(text));
}

void InventoryBuilder::add(const Part<Names>& part, std::string_view name) {
  auto& list = inventory.*part.list;
  auto text = readable(name);
  if (list.count(text) == 0 && fits(part.name, list.size(), part.most, json_bytes(text)))
    list.insert(std::move(text));
}

void InventoryBuilder::add_bytes(const std::string& folder, std::uint64_t bytes) {
  const auto name = readable(folder);
  if (inventory.folders.count(name) != 0 ||
      fits("folders", inventory.folders.size(), max_folders, json_bytes(name)))
    inventory.folders[name] += bytes;
}

void InventoryBuilder::remove(const Part<Names>& part, std::string_view name) {
  (inventory.*part.list).erase(readable(name));
}

void InventoryBuilder::not_known(const std::string& part, std::string_view why) {
  if (mutated("inventory-hides-unreadable")) return;
  auto& list = inventory.unreadable;
  if (told_[part]++ < told_of_one_part && list.size() < max_unreadable)
    list.push_back({part, readable(why)});
}

}  // namespace cube::insight
