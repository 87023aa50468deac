// SlotId: which of the two slots. There is no third and no "none": absence is std::optional.
#pragma once

#include <optional>
#include <string_view>

namespace cube {

enum class SlotId { a, b };

[[nodiscard]] constexpr SlotId other(SlotId slot) { return slot == SlotId::a ? SlotId::b : SlotId::a; }
[[nodiscard]] constexpr std::string_view to_string(SlotId slot) { return slot == SlotId::a ? "a" : "b"; }
// Exactly "a" or "b".
[[nodiscard]] constexpr std::optional<SlotId> parse_slot(std::string_view text) {
  if (text == "a") return SlotId::a;
  if (text == "b") return SlotId::b;
  return std::nullopt;
}

}  // namespace cube
