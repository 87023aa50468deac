// The index of a pack from anybody, after the offset at which it is said to begin: no crash, and
// what is accepted accounts for every byte, is written again as it was, and can be planned with.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "slots/pack/pack_plan.h"

namespace {

void demand(bool condition) {
  if (!condition) std::abort();
}

// Every window is inside of its base, and every base is used.
void check_windows(const cube::PackIndex& index) {
  std::size_t windows = 0;
  std::size_t used = 0;
  for (std::size_t i = 0; i < index.chunks().size(); ++i) {
    std::uint64_t prefix = 0;
    for (const auto& window : index.windows_of(i)) {
      const auto& base = index.bases()[window.base];
      demand(window.length > 0 && window.offset < base.size);
      demand(window.length <= base.size - window.offset);
      used = std::max(used, std::size_t{window.base} + 1);
      prefix += window.length;
    }
    const bool is_delta = index.chunks()[i].encoding == cube::Encoding::delta;
    demand(prefix <= cube::max_prefix_bytes && is_delta == (prefix > 0));
    windows += index.windows_of(i).size();
  }
  demand(windows == index.windows().size() && used == index.bases().size());
  demand(index.from() || windows == 0);
}

void check(const cube::PackIndex& index, std::uint64_t offset) {
  const auto chunks = index.chunks().size();
  const auto objects = index.objects().size();
  demand(index.chunk_offset(0) == cube::pack_header_bytes && index.chunk_offset(chunks) == offset);
  demand(index.object_start(0) == 0 && index.object_start(objects) == index.chunk_start(chunks));
  for (std::size_t i = 0; i < objects; ++i) {
    demand(index.object_start(i) < index.object_start(i + 1));
    demand(index.object_at(index.object_start(i)) == i);
    demand(index.find(index.objects()[i].kind, index.objects()[i].name) == i);
  }
  for (std::size_t i = 0; i < chunks; ++i) {
    demand(index.chunk_offset(i) < index.chunk_offset(i + 1));
    demand(index.chunk_at(index.chunk_start(i)) == i);
  }
  check_windows(index);
  const auto all = plan_ranges(index, cube::Wanted(objects, true), 0);
  demand(all.size() == 1 && all[0].count == chunks);
  cube::Wanted some(objects);
  for (std::size_t i = 0; i < objects; i += 3) some[i] = true;
  std::uint64_t end = cube::pack_header_bytes;
  for (const auto& range : plan_ranges(index, some, 10)) {
    demand(range.offset >= end && range.length > 0 && range.count > 0);
    end = range.offset + range.length;
  }
  demand(end <= offset);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)cube::parse_pack_header(bytes.substr(0, cube::pack_header_bytes));
  std::uint64_t offset = 0;
  if (size < sizeof offset) return 0;
  std::memcpy(&offset, data, sizeof offset);
  const auto index = cube::parse_pack_index(bytes.substr(sizeof offset), offset);
  if (!index) return 0;
  check(*index, offset);
  demand(render_pack_index(*index) == bytes.substr(sizeof offset));
  return 0;
}
