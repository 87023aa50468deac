// The bytes of the header and of the index of a pack.
#include <algorithm>

#include "slots/pack/pack_index.h"

namespace cube {
namespace {

constexpr std::string_view header_magic = "CUBEPACK";
constexpr std::string_view index_magic = "CUBEINDX";
constexpr std::uint32_t header_version = 1;
constexpr std::uint32_t full_version = 1;
constexpr std::uint32_t delta_version = 2;
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

// The version, which is 1 or up to `newest`.
Result<std::uint32_t> read_start(Reader& reader, std::string_view magic, std::uint32_t newest,
                                 const std::string& what) {
  if (reader.take(magic.size()) != magic) return corrupt(what + ": is none");
  const auto found = reader.number<std::uint32_t>();
  if (found >= 1 && found <= newest) return found;
  return corrupt(what + ": version " + std::to_string(found) +
                 " is not known here, nor any after " + std::to_string(newest) +
                 "; this program may be too old");
}

struct Counts {
  std::uint32_t chunks = 0;
  std::array<std::uint32_t, kinds.size()> objects{};
  std::uint32_t bases = 0;
  std::uint32_t windows = 0;
};

// Whether exactly the tables follow the head.
Status check_size(const Counts& counts, std::uint32_t version, std::size_t size) {
  std::uint64_t objects = 0;
  for (const auto count : counts.objects) objects += count;
  if (counts.chunks > max_pack_chunks) return corrupt("pack index: has more than 2^20 chunks");
  if (objects > max_pack_objects) return corrupt("pack index: has more than 2^20 objects");
  if (counts.bases > max_pack_bases) return corrupt("pack index: has more than 2^20 bases");
  if (counts.windows > max_pack_windows) return corrupt("pack index: has more than 2^20 windows");
  const auto expected = index_head_bytes + (version == delta_version ? delta_head_bytes : 0) +
                        counts.chunks * chunk_entry_bytes + objects * object_entry_bytes +
                        counts.bases * base_entry_bytes + counts.windows * window_entry_bytes;
  if (size == expected) return ok();
  return corrupt("pack index: has " + std::to_string(size) + " bytes, and its counts ask for " +
                 std::to_string(expected));
}

Result<Chunk> read_chunk(Reader& reader, std::size_t i, std::uint32_t version) {
  Chunk chunk;
  chunk.sha256 = reader.digest();
  chunk.stored = reader.number<std::uint32_t>();
  chunk.raw = reader.number<std::uint32_t>();
  const auto encoding = reader.number<std::uint32_t>();
  chunk.windows = reader.number<std::uint32_t>();
  const std::string where = "pack index: chunk " + std::to_string(i);
  const auto last = version == delta_version ? Encoding::delta : Encoding::zstd;
  if (encoding > static_cast<std::uint32_t>(last))
    return corrupt(where + ": encoding " + std::to_string(encoding) +
                   " is not known here; this program may be too old");
  chunk.encoding = static_cast<Encoding>(encoding);
  return chunk;
}

// What the head says after the counts.
Status read_commits(Reader& reader, std::uint32_t version, PackIndex::Content& content) {
  content.commit = reader.digest();
  const auto from = reader.digest();
  const bool is_delta = from != Sha256{};
  if (is_delta != (version == delta_version))
    return corrupt("pack index: its version is not that of its kind");
  if (is_delta) content.from = from;
  return ok();
}

void read_bases(Reader& reader, const Counts& counts, PackIndex::Content& content) {
  content.bases.reserve(counts.bases);
  for (std::uint32_t i = 0; i < counts.bases; ++i) {
    const auto name = reader.digest();
    content.bases.push_back({name, reader.number<std::uint64_t>()});
  }
  content.windows.reserve(counts.windows);
  for (std::uint32_t i = 0; i < counts.windows; ++i) {
    const auto base = reader.number<std::uint32_t>();
    const auto length = reader.number<std::uint32_t>();
    content.windows.push_back({base, length, reader.number<std::uint64_t>()});
  }
}

}  // namespace

Result<IndexPlace> parse_pack_header(std::string_view bytes) {
  if (bytes.size() != pack_header_bytes) return corrupt("pack: is shorter than its header");
  Reader reader(bytes);
  CUBE_TRY([[maybe_unused]] const auto version,
           read_start(reader, header_magic, header_version, "pack"));
  if (reader.number<std::uint32_t>() != 0)
    return corrupt("pack: its header has a number where none may be");
  IndexPlace place;
  place.offset = reader.number<std::uint64_t>();
  place.length = reader.number<std::uint64_t>();
  return place;
}

std::string render_pack_header(const IndexPlace& place) {
  Writer writer(header_magic);
  writer.number(header_version);
  writer.number(std::uint32_t{0});
  writer.number(place.offset);
  writer.number(place.length);
  return writer.bytes_;
}

Result<PackIndex> parse_pack_index(std::string_view bytes, std::uint64_t offset) {
  if (bytes.size() < index_head_bytes) return corrupt("pack index: is shorter than its head");
  Reader reader(bytes);
  CUBE_TRY(const auto version, read_start(reader, index_magic, delta_version, "pack index"));
  Counts counts;
  counts.chunks = reader.number<std::uint32_t>();
  for (auto& count : counts.objects) count = reader.number<std::uint32_t>();
  PackIndex::Content content;
  CUBE_CHECK(read_commits(reader, version, content));
  if (version == delta_version) {
    if (bytes.size() < index_head_bytes + delta_head_bytes)
      return corrupt("pack index: is shorter than its head");
    counts.bases = reader.number<std::uint32_t>();
    counts.windows = reader.number<std::uint32_t>();
  }
  CUBE_CHECK(check_size(counts, version, bytes.size()));
  content.chunks.reserve(counts.chunks);
  for (std::size_t i = 0; i < counts.chunks; ++i) {
    CUBE_TRY(const auto chunk, read_chunk(reader, i, version));
    content.chunks.push_back(chunk);
  }
  for (const auto kind : kinds)
    for (std::uint32_t i = 0; i < counts.objects[static_cast<std::size_t>(kind)]; ++i) {
      const auto name = reader.digest();
      content.objects.push_back({kind, name, reader.number<std::uint64_t>()});
    }
  read_bases(reader, counts, content);
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
  writer.number(index.from() ? delta_version : full_version);
  writer.number(counts.chunks);
  for (const auto count : counts.objects) writer.number(count);
  writer.digest(index.commit());
  writer.digest(index.from().value_or(Sha256{}));
  if (index.from()) {
    writer.number(static_cast<std::uint32_t>(index.bases().size()));
    writer.number(static_cast<std::uint32_t>(index.windows().size()));
  }
  for (const auto& chunk : index.chunks()) {
    writer.digest(chunk.sha256);
    writer.number(chunk.stored);
    writer.number(chunk.raw);
    writer.number(static_cast<std::uint32_t>(chunk.encoding));
    writer.number(chunk.windows);
  }
  for (const auto& object : index.objects()) {
    writer.digest(object.name);
    writer.number(object.length);
  }
  for (const auto& base : index.bases()) {
    writer.digest(base.name);
    writer.number(base.size);
  }
  for (const auto& window : index.windows()) {
    writer.number(window.base);
    writer.number(window.length);
    writer.number(window.offset);
  }
  return writer.bytes_;
}

}  // namespace cube
