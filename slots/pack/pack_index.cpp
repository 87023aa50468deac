#include "slots/pack/pack_index.h"

#include <algorithm>

#include "base/mutation.h"

namespace cube {
namespace {

Error corrupt(const std::string& what) {
  return {Errc::corrupt, "pack index: " + what};
}

std::string numbered(const char* what, std::size_t i) {
  return std::string(what) + " " + std::to_string(i);
}

Status check_chunk(const Chunk& chunk, std::size_t i) {
  const auto wrong = [&](const std::string& what) { return corrupt(numbered("chunk", i) + what); };
  if (chunk.raw == 0) return wrong(": is empty");
  if (chunk.raw > max_chunk_bytes)
    return wrong(": declares " + std::to_string(chunk.raw) + " bytes, more than " +
                 std::to_string(max_chunk_bytes));
  if (chunk.encoding == Encoding::stored && chunk.stored != chunk.raw)
    return wrong(": is stored as it is, but not with its own length");
  if (chunk.encoding != Encoding::stored && (chunk.stored == 0 || chunk.stored >= chunk.raw))
    return wrong(": is compressed, but not to fewer bytes than it has");
  if ((chunk.encoding == Encoding::delta) != (chunk.windows > 0))
    return wrong(": has windows and no use for them, or none and needs them");
  return ok();
}

bool name_before(const PackObject& left, const PackObject& right) {
  return left.kind != right.kind ? left.kind < right.kind : left.name < right.name;
}

}  // namespace

Result<PackIndex> PackIndex::make(Content content) {
  PackIndex index(std::move(content));
  CUBE_CHECK(index.sum_chunks());
  CUBE_CHECK(index.sum_objects());
  CUBE_CHECK(index.sort_names());
  CUBE_CHECK(index.check_bases());
  CUBE_CHECK(index.sum_windows());
  return index;
}

// 2^20 chunks of at most 4 MiB: the sums stay below 2^43.
Status PackIndex::sum_chunks() {
  const auto& chunks = content_.chunks;
  if (chunks.empty()) return corrupt("has no chunks");
  if (chunks.size() > max_pack_chunks) return corrupt("has more than 2^20 chunks");
  in_file_.reserve(chunks.size() + 1);
  in_raw_.reserve(chunks.size() + 1);
  std::uint64_t in_file = pack_header_bytes;
  std::uint64_t in_raw = 0;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    CUBE_CHECK(check_chunk(chunks[i], i));
    in_file_.push_back(in_file);
    in_raw_.push_back(in_raw);
    in_file += chunks[i].stored;
    in_raw += chunks[i].raw;
  }
  in_file_.push_back(in_file);
  in_raw_.push_back(in_raw);
  return ok();
}

Status PackIndex::sum_objects() {
  const auto& objects = content_.objects;
  if (objects.empty()) return corrupt("has no objects");
  if (objects.size() > max_pack_objects) return corrupt("has more than 2^20 objects");
  if (objects[0].kind != ObjectKind::commit || objects[0].name != content_.commit)
    return corrupt("its first object is not its commit");
  const std::uint64_t all = in_raw_.back();
  starts_.reserve(objects.size() + 1);
  std::uint64_t start = 0;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const auto length = objects[i].length;
    if (length == 0) return corrupt(numbered("object", i) + ": is empty");
    if (length > all - start) return corrupt(numbered("object", i) + ": ends after the last chunk");
    if (i > 0 && objects[i].kind < objects[i - 1].kind)
      return corrupt(numbered("object", i) + ": is not in the order of kinds");
    if (i > 0 && objects[i].kind == ObjectKind::commit)
      return corrupt(numbered("object", i) + ": is a second commit");
    starts_.push_back(start);
    start += length;
  }
  if (start != all) return corrupt("its chunks hold bytes after the last object");
  starts_.push_back(start);
  return ok();
}

Status PackIndex::sort_names() {
  const auto& objects = content_.objects;
  by_name_.resize(objects.size());
  for (std::size_t i = 0; i < objects.size(); ++i) by_name_[i] = static_cast<std::uint32_t>(i);
  std::sort(by_name_.begin(), by_name_.end(), [&](std::uint32_t left, std::uint32_t right) {
    return name_before(objects[left], objects[right]);
  });
  const auto twice = std::adjacent_find(by_name_.begin(), by_name_.end(),
                                        [&](std::uint32_t left, std::uint32_t right) {
                                          return !name_before(objects[left], objects[right]);
                                        });
  if (twice != by_name_.end())
    return corrupt("has " + describe(objects[*twice].kind, objects[*twice].name) + " twice");
  return ok();
}

Status PackIndex::check_bases() const {
  const auto& bases = content_.bases;
  if (content_.from == content_.commit) return corrupt("is a delta from its own commit");
  if (content_.from == Sha256{}) return corrupt("is a delta from no commit");
  for (std::size_t i = 0; !content_.from && i < content_.chunks.size(); ++i)
    if (content_.chunks[i].windows > 0)
      return corrupt(numbered("chunk", i) + ": has windows, and the pack is no delta");
  if (bases.size() > max_pack_bases) return corrupt("has more than 2^20 bases");
  std::vector<Sha256> names;
  names.reserve(bases.size());
  for (std::size_t i = 0; i < bases.size(); ++i) {
    if (bases[i].size == 0) return corrupt(numbered("base", i) + ": is empty");
    names.push_back(bases[i].name);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return ok();
  return corrupt("has base " + describe(ObjectKind::file, *twice) + " twice");
}

// A base is first named after those that are before it in the list: none is there without use.
Status PackIndex::sum_windows() {
  const auto& windows = content_.windows;
  if (windows.size() > max_pack_windows) return corrupt("has more than 2^20 windows");
  std::size_t next_base = 0;
  std::size_t next = 0;
  first_window_.reserve(content_.chunks.size() + 1);
  for (std::size_t i = 0; i < content_.chunks.size(); ++i) {
    first_window_.push_back(next);
    const auto count = content_.chunks[i].windows;
    if (count > windows.size() - next) return corrupt(numbered("chunk", i) + ": lacks windows");
    std::uint64_t prefix = 0;
    for (const auto end = next + count; next < end; ++next) {
      CUBE_CHECK(check_window(next, i, next_base));
      prefix += windows[next].length;
    }
    if (prefix > max_prefix_bytes)
      return corrupt(numbered("chunk", i) + ": has windows of more than 8 MiB");
  }
  first_window_.push_back(next);
  if (next != windows.size()) return corrupt("has windows after the last chunk's");
  if (next_base != content_.bases.size()) return corrupt("has a base that no window names");
  return ok();
}

// The first window that names a base is that of the earliest chunk; so it alone is checked for a
// base that would come too late.
Status PackIndex::check_window(std::size_t i, std::size_t chunk, std::size_t& next_base) const {
  const auto& window = content_.windows[i];
  const auto wrong = [&](const char* what) { return corrupt(numbered("window", i) + what); };
  if (window.base > next_base) return wrong(": names a base before its turn");
  if (window.base >= content_.bases.size()) return wrong(": names a base that is not there");
  if (window.base == next_base) {
    ++next_base;
    const auto own = find(ObjectKind::file, content_.bases[window.base].name);
    if (own && starts_[*own + 1] > in_raw_[chunk])
      return wrong(": names an object of the pack that is not whole before its chunk");
  }
  const auto size = content_.bases[window.base].size;
  if (window.length == 0) return wrong(": is empty");
  const bool inside = window.offset <= size && window.length <= size - window.offset;
  if (!inside && !mutated("delta-window-not-checked")) return wrong(": is not inside of its base");
  return ok();
}

std::span<const Window> PackIndex::windows_of(std::size_t chunk) const {
  return std::span(content_.windows)
      .subspan(first_window_[chunk], first_window_[chunk + 1] - first_window_[chunk]);
}

std::size_t PackIndex::chunk_at(std::uint64_t raw_position) const {
  const auto after = std::upper_bound(in_raw_.begin(), in_raw_.end(), raw_position);
  return static_cast<std::size_t>(after - in_raw_.begin()) - 1;
}

std::size_t PackIndex::object_at(std::uint64_t raw_position) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), raw_position);
  return static_cast<std::size_t>(after - starts_.begin()) - 1;
}

std::optional<std::size_t> PackIndex::find(ObjectKind kind, const Sha256& name) const {
  const PackObject wanted{kind, name, 0};
  const auto& objects = content_.objects;
  const auto found = std::lower_bound(
      by_name_.begin(), by_name_.end(), wanted,
      [&](std::uint32_t i, const PackObject& object) { return name_before(objects[i], object); });
  if (found == by_name_.end() || name_before(wanted, objects[*found])) return std::nullopt;
  return *found;
}

}  // namespace cube
