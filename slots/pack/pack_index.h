// The index of a pack (docs/pack-format.md): which chunks the file has, and which objects are in
// them. Pure.
//
//   file:    header | chunk 0 | chunk 1 | ... | index
//   chunks:  [  raw bytes, cut anywhere  ][            ][    ]     each stored or compressed
//   objects: [ commit ][ dirtrees ][ dirmetas ][ files       ]     the same bytes, cut by length
//
// Only lengths are written; every position is a sum. So overlaps, gaps, loops and positions outside
// the file cannot be expressed, and what is left to refuse are sums that do not fit.
//
// A delta has only what its commit has and an older one has not. A chunk of it may be compressed
// against windows: parts of the contents of its bases, which are files of the older commit, or of
// the delta itself in earlier chunks.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "slots/pack/object.h"

namespace cube {

inline constexpr std::size_t pack_header_bytes = 32;
inline constexpr std::size_t max_chunk_bytes = 4 * 1024 * 1024;  // raw: the reader's memory
inline constexpr std::size_t max_pack_chunks = std::size_t{1} << 20;
inline constexpr std::size_t max_pack_objects = std::size_t{1} << 20;
inline constexpr std::size_t index_head_bytes = 96;
inline constexpr std::size_t chunk_entry_bytes = 48;
inline constexpr std::size_t object_entry_bytes = 40;
inline constexpr std::size_t max_prefix_bytes = 8 * 1024 * 1024;  // all windows of a chunk
inline constexpr std::size_t max_pack_bases = std::size_t{1} << 20;
inline constexpr std::size_t max_pack_windows = std::size_t{1} << 20;
inline constexpr std::size_t delta_head_bytes = 8;
inline constexpr std::size_t base_entry_bytes = 40;
inline constexpr std::size_t window_entry_bytes = 16;
inline constexpr std::size_t max_index_bytes =
    index_head_bytes + max_pack_chunks * chunk_entry_bytes + max_pack_objects * object_entry_bytes +
    delta_head_bytes + max_pack_bases * base_entry_bytes + max_pack_windows * window_entry_bytes;

// Where the index is, as the header of the file says.
struct IndexPlace {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

enum class Encoding : std::uint32_t {
  stored = 0,  // the raw bytes
  zstd = 1,    // one zstd frame, shorter than the raw bytes
  delta = 2,   // the same, made with the windows of the chunk as a prefix
};

struct Chunk {
  Sha256 sha256{};  // of the bytes in the file
  std::uint32_t stored = 0;
  std::uint32_t raw = 0;
  Encoding encoding = Encoding::stored;
  std::uint32_t windows = 0;  // how many; at least one if and only if the encoding is delta
};

// A file object of the older commit, or of this pack in chunks before those that use it.
struct Base {
  Sha256 name{};
  std::uint64_t size = 0;  // of its content; never 0
};

// A part of a base's content.
struct Window {
  std::uint32_t base = 0;  // number in the list of bases
  std::uint32_t length = 0;
  std::uint64_t offset = 0;
};

class PackIndex {
 public:
  struct Content {
    Sha256 commit{};  // whose objects the pack has: all of them, or those that `from` lacks
    std::vector<Chunk> chunks;
    std::vector<PackObject> objects;   // by kind
    std::optional<Sha256> from = {};   // of a delta: the older commit
    std::vector<Base> bases = {};      // in the order in which the windows first name them
    std::vector<Window> windows = {};  // chunk by chunk
  };

  // Whether the tables obey the format, chunks and objects give the same number of raw bytes, and
  // every window is inside of its base.
  // Errors: corrupt (names the entry).
  static Result<PackIndex> make(Content content);

  [[nodiscard]] const Sha256& commit() const { return content_.commit; }
  [[nodiscard]] const std::vector<Chunk>& chunks() const { return content_.chunks; }
  [[nodiscard]] const std::vector<PackObject>& objects() const { return content_.objects; }
  [[nodiscard]] const std::optional<Sha256>& from() const { return content_.from; }
  [[nodiscard]] const std::vector<Base>& bases() const { return content_.bases; }
  [[nodiscard]] const std::vector<Window>& windows() const { return content_.windows; }
  [[nodiscard]] std::span<const Window> windows_of(std::size_t chunk) const;

  // Positions; `i` may also be the number of entries, for where the last one ends.
  [[nodiscard]] std::uint64_t chunk_offset(std::size_t i) const { return in_file_[i]; }
  [[nodiscard]] std::uint64_t chunk_start(std::size_t i) const { return in_raw_[i]; }
  [[nodiscard]] std::uint64_t object_start(std::size_t i) const { return starts_[i]; }
  // The chunk that has the raw byte; it must exist.
  [[nodiscard]] std::size_t chunk_at(std::uint64_t raw_position) const;
  // The first object with a byte at or after the raw position; the number of objects if none.
  [[nodiscard]] std::size_t object_at(std::uint64_t raw_position) const;
  [[nodiscard]] std::optional<std::size_t> find(ObjectKind kind, const Sha256& name) const;

 private:
  explicit PackIndex(Content content) : content_(std::move(content)) {}
  Status sum_chunks();
  Status sum_objects();
  Status sort_names();
  Status check_bases() const;
  Status sum_windows();
  Status check_window(std::size_t i, std::size_t chunk, std::size_t& next_base) const;

  Content content_;
  std::vector<std::uint64_t> in_file_, in_raw_, starts_;
  std::vector<std::size_t> first_window_;  // of each chunk, and where the last one ends
  std::vector<std::uint32_t> by_name_;
};

// Exactly the header's bytes. Errors: corrupt (also: a version that is not known here).
Result<IndexPlace> parse_pack_header(std::string_view bytes);
[[nodiscard]] std::string render_pack_header(const IndexPlace& place);

// The whole index, which begins at `offset` of the file. It must have been verified before.
// Errors: corrupt (also: a version or an encoding that is not known here).
Result<PackIndex> parse_pack_index(std::string_view bytes, std::uint64_t offset);
[[nodiscard]] std::string render_pack_index(const PackIndex& index);

}  // namespace cube
