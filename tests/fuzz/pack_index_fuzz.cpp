// The index of a pack from anybody, after the offset at which it is said to begin: no crash, and
// what is accepted accounts for every byte, is written again as it was, and can be planned with.
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
