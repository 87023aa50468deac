// An inventory from anybody: what is accepted is written as it was read, has nothing to say against
// itself but what is not known, and can be told apart from one that has nothing.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "insight/difference/difference.h"
#include "tests/fuzz/demand.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cube::insight;
  using cube::demand;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto name = readable(text);
  demand(name.size() <= max_text && readable(name) == name);
  const auto found = read_inventory(text);
  if (!found) return 0;
  const auto again = read_inventory(inventory_text(*found));
  demand(again && *again == *found);
  const auto none = difference(*found, *found);
  // Parts that could not be read, or that an older inventory does not have.
  demand(none.empty() || (none.harms.size() == 1 && none.harms.count(Harm::not_known) == 1));
  demand(!difference_json(difference(*found, {})).line().empty());
  demand(!difference_json(difference({}, *found)).line().empty());
  return 0;
}
