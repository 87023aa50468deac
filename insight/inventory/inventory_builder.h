// InventoryBuilder: keeps an inventory within its bounds while it is made. What is past them is
// left out, and the part is named as not known. Names and values become readable().
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "insight/inventory/inventory.h"

namespace cube::insight {

class InventoryBuilder {
 public:
  template <typename List>
  void add_all(const Part<List>& part, const List& list);
  void add(const Part<Entries>& part, std::string_view name, std::string_view value);
  void add(const Part<Names>& part, std::string_view name);
  void add_bytes(const std::string& folder, std::uint64_t bytes);
  void remove(const Part<Names>& part, std::string_view name);
  // "why" is one line that names the file. Only the first of many is kept for each part.
  void not_known(const std::string& part, std::string_view why);

  Inventory inventory;  // what was added so far; kernel and initramfs are set directly

 private:
  // Counts an entry of that many bytes; false when it is too much.
  bool fits(const std::string& part, std::size_t count, std::size_t most, std::size_t bytes);

  std::map<std::string, std::size_t> bytes_;
  std::map<std::string, std::size_t> told_;
};

template <typename List>
void InventoryBuilder::add_all(const Part<List>& part, const List& list) {
  for (const auto& one : list) {
    if constexpr (std::is_same_v<List, Entries>)
      add(part, one.first, one.second);
    else
      add(part, one);
  }
}

// The part of that list.
constexpr const Part<Entries>& part_of(Entries Inventory::*list) {
  for (const auto& part : entry_parts)
    if (part.list == list) return part;
  return entry_parts[0];
}
constexpr const Part<Names>& part_of(Names Inventory::*list) {
  for (const auto& part : name_parts)
    if (part.list == list) return part;
  return name_parts[0];
}

}  // namespace cube::insight
