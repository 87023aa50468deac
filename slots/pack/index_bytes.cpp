// The bytes of the header and of the index of a pack.
#include <algorithm>

#include "slots/pack/pack_index.h"

namespace cube {
namespace {

constexpr std::string_view header_magic = "CUBEPACK";
constexpr std::string_view index_magic = "CUBEINDX";
constexpr std::uint32_t version = 1;
constexpr std::array<ObjectKind, 4> kinds{ObjectKind::commit, ObjectKind::dirtree,
                                          ObjectKind::dirmeta, ObjectKind::file};

Error corrupt(const std::string& what) {
  return {Errc::corrupt, what};
}

class Writer {
 public:
  explicit Writer(std::string_view magic) : bytes_(magic) {}
  template <typename T>
  void number(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bytes_ += static_cast<char>(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  void digest(const Sha256& digest) {
    bytes_.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
  std::string bytes_;
};

// The caller checked that there are enough bytes.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  std::string_view take(std::size_t count) {
    const auto taken = bytes_.substr(at_, count);
    at_ += count;
    return taken;
  }
  template <typename T>
  T number() {
    T value = 0;
    const auto taken = take(sizeof(T));
    for (std::size_t i = 0; i < sizeof(T); ++i)
      value |= static_cast<T>(static_cast<T>(static_cast<std::uint8_t>(taken[i])) << (8 * i));
    return value;
  }
  Sha256 digest() {
    Sha256 digest{};
    const auto taken = take(digest.size());
    std::transform(taken.begin(), taken.end(), digest.begin(),
                   [](char c) { return static_cast<std::uint8_t>(c); });
    return digest;
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

Status check_start(Reader& reader, std::string_view magic, const std::string& what) {
  if (reader.take(magic.size()) != magic) return corrupt(what + ": is none");
  const auto found = reader.number<std::uint32_t>();
  if (found != version)
    return corrupt(what + ": version " + std::to_string(found) +
                   " is not known here, only version 1 is; this program may be too old");
  return ok();
}

struct Counts {
  std::uint32_t chunks = 0;
  std::array<std::uint32_t, kinds.size()> objects{};
};

// Whether exactly the tables follow the head.
Status check_size(const Counts& counts, std::size_t size) {
  std::uint64_t objects = 0;
  for (const auto count : counts.objects) objects += count;
  if (counts.chunks > max_pack_chunks) return corrupt("pack index: has more than 2^20 chunks");
  if (objects > max_pack_objects) return corrupt("pack index: has more than 2^20 objects");
  const auto expected =
      index_head_bytes + counts.chunks * chunk_entry_bytes + objects * object_entry_bytes;
  if (size == expected) return ok();
  return corrupt("pack index: has " + std::to_string(size) + " bytes, and its counts ask for " +
                 std::to_string(expected));
}

Result<Chunk> read_chunk(Reader& reader, std::size_t i) {
  Chunk chunk;
  chunk.sha256 = reader.digest();
  chunk.stored = reader.number<std::uint32_t>();
  chunk.raw = reader.number<std::uint32_t>();
  const auto encoding = reader.number<std::uint32_t>();
  const auto reserved = reader.number<std::uint32_t>();
  const std::string where = "pack index: chunk " + std::to_string(i);
  if (encoding > static_cast<std::uint32_t>(Encoding::zstd))
    return corrupt(where + ": encoding " + std::to_string(encoding) +
                   " is not known here; this program may be too old");
  if (reserved != 0) return corrupt(where + ": has a number where none may be");
  chunk.encoding = static_cast<Encoding>(encoding);
  return chunk;
}

}  // namespace

Result<IndexPlace> parse_pack_header(std::string_view bytes) {
  if (bytes.size() != pack_header_bytes) return corrupt("pack: is shorter than its header");
  Reader reader(bytes);
  CUBE_CHECK(check_start(reader, header_magic, "pack"));
  if (reader.number<std::uint32_t>() != 0)
    return corrupt("pack: its header has a number where none may be");
  IndexPlace place;
  place.offset = reader.number<std::uint64_t>();
  place.length = reader.number<std::uint64_t>();
  return place;
}

std::string render_pack_header(const IndexPlace& place) {
  Writer writer(header_magic);
  writer.number(version);
  writer.number(std::uint32_t{0});
  writer.number(place.offset);
  writer.number(place.length);
  return writer.bytes_;
}

Result<PackIndex> parse_pack_index(std::string_view bytes, std::uint64_t offset) {
  if (bytes.size() < index_head_bytes) return corrupt("pack index: is shorter than its head");
  Reader reader(bytes);
  CUBE_CHECK(check_start(reader, index_magic, "pack index"));
  Counts counts;
  counts.chunks = reader.number<std::uint32_t>();
  for (auto& count : counts.objects) count = reader.number<std::uint32_t>();
  CUBE_CHECK(check_size(counts, bytes.size()));
  PackIndex::Content content;
  content.commit = reader.digest();
  if (reader.digest() != Sha256{})
    return corrupt(
        "pack index: is that of a delta, which is not known here; this program may be "
        "too old");
  content.chunks.reserve(counts.chunks);
  for (std::size_t i = 0; i < counts.chunks; ++i) {
    CUBE_TRY(const auto chunk, read_chunk(reader, i));
    content.chunks.push_back(chunk);
  }
  for (const auto kind : kinds)
    for (std::uint32_t i = 0; i < counts.objects[static_cast<std::size_t>(kind)]; ++i) {
      const auto name = reader.digest();
      content.objects.push_back({kind, name, reader.number<std::uint64_t>()});
    }
  CUBE_TRY(auto index, PackIndex::make(std::move(content)));
  if (index.chunk_offset(index.chunks().size()) != offset)
    return corrupt("pack index: its chunks do not end where the index begins");
  return index;
}

std::string render_pack_index(const PackIndex& index) {
  Counts counts;
  counts.chunks = static_cast<std::uint32_t>(index.chunks().size());
  for (const auto& object : index.objects())
    ++counts.objects[static_cast<std::size_t>(object.kind)];
  Writer writer(index_magic);
  writer.number(version);
  writer.number(counts.chunks);
  for (const auto count : counts.objects) writer.number(count);
  writer.digest(index.commit());
  writer.digest({});
  for (const auto& chunk : index.chunks()) {
    writer.digest(chunk.sha256);
    writer.number(chunk.stored);
    writer.number(chunk.raw);
    writer.number(static_cast<std::uint32_t>(chunk.encoding));
    writer.number(std::uint32_t{0});
  }
  for (const auto& object : index.objects()) {
    writer.digest(object.name);
    writer.number(object.length);
  }
  return writer.bytes_;
}

}  // namespace cube
