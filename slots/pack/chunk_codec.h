// Chunks of a pack, encoded and decoded: the only place that knows libzstd.
//
// A frame holds its content size and is the whole of its chunk. It is decoded in one piece into
// memory for exactly the raw length of the index, whatever the frame claims.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "slots/pack/pack_index.h"

namespace cube {

inline constexpr int min_pack_level = 1;
inline constexpr int max_pack_level = 19;

struct EncodedChunk {
  Chunk entry;
  std::string bytes;  // as they are in the file
};

// Not thread-safe; one for each thread.
class ChunkEncoder {
 public:
  // Errors: invalid (level), failed (memory).
  static Result<ChunkEncoder> make(int level);
  ChunkEncoder(ChunkEncoder&&) noexcept;
  ChunkEncoder& operator=(ChunkEncoder&&) noexcept;
  ~ChunkEncoder();

  // 1 to max_chunk_bytes of raw bytes. The same bytes, level and version of libzstd give the same
  // chunk. What does not get shorter is stored as it is. Errors: bug (size), failed.
  Result<EncodedChunk> encode(std::string_view raw);
  // The same with a prefix of at most max_prefix_bytes, which may be empty. The entry's number of
  // windows is left to the caller. Errors: as encode().
  Result<EncodedChunk> encode(std::string_view raw, std::string_view prefix);

 private:
  struct Context;
  explicit ChunkEncoder(std::unique_ptr<Context> context);
  std::unique_ptr<Context> context_;
};

// Not thread-safe.
class ChunkDecoder {
 public:
  // Errors: failed (memory).
  static Result<ChunkDecoder> make();
  ChunkDecoder(ChunkDecoder&&) noexcept;
  ChunkDecoder& operator=(ChunkDecoder&&) noexcept;
  ~ChunkDecoder();

  // The chunk's raw bytes, valid until the next call. `stored` is decoded only when it is what the
  // entry's digest says. Errors: corrupt.
  Result<std::string_view> decode(const Chunk& entry, std::string_view stored);
  // The same for a chunk of a delta; nullopt when the frame cannot be decoded with that prefix.
  // Only the entry's digest proves the frame and only an object's name the bytes: another prefix
  // may give others. Errors: corrupt (digest).
  Result<std::optional<std::string_view>> decode(const Chunk& entry, std::string_view stored,
                                                 std::string_view prefix);

 private:
  struct Context;
  explicit ChunkDecoder(std::unique_ptr<Context> context);
  std::unique_ptr<Context> context_;
};

}  // namespace cube
