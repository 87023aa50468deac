#include "slots/pack/chunk_codec.h"

#include <zstd.h>

#include <algorithm>
#include <bit>

#include "base/mutation.h"

namespace cube {
namespace {

constexpr int least_level_for_long_prefixes = 12;

Error out_of_memory() {
  return {Errc::failed, "zstd: no memory"};
}

Error corrupt(const std::string& what) {
  return {Errc::corrupt, what};
}

Status checked(std::size_t zstd) {
  if (ZSTD_isError(zstd) == 0) return ok();
  return Error{Errc::failed, std::string("zstd: ") + ZSTD_getErrorName(zstd)};
}

// Without a window that spans prefix and chunk, zstd forgets the beginning of a long prefix; and
// its fast levels have tables too small for one, so they look for long matches, too. `spanned` is 0
// without a prefix: all is as the level has it.
Status set_window(ZSTD_CCtx* zstd, int level, std::size_t spanned) {
  const int log = spanned == 0 ? 0 : std::max(10, static_cast<int>(std::bit_width(spanned)));
  CUBE_CHECK(checked(ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, log)));
  const int long_matches = spanned != 0 && level < least_level_for_long_prefixes ? 1 : 0;
  return checked(ZSTD_CCtx_setParameter(zstd, ZSTD_c_enableLongDistanceMatching, long_matches));
}

// Errors: corrupt.
Status check_stored(const Chunk& entry, std::string_view stored) {
  if (entry.raw > max_chunk_bytes) return corrupt("declares more than a chunk may hold");
  const bool signed_bytes = stored.size() == entry.stored && sha256(stored) == entry.sha256;
  if (!signed_bytes && !mutated("chunk-not-checked"))
    return corrupt("its SHA-256 is not that of the index");
  return ok();
}

// One frame, all of `stored`, that says itself that it holds `raw` bytes.
Status check_frame(const Chunk& entry, std::string_view stored) {
  if (ZSTD_getFrameContentSize(stored.data(), stored.size()) != entry.raw)
    return corrupt("is no zstd frame of " + std::to_string(entry.raw) + " bytes");
  if (ZSTD_findFrameCompressedSize(stored.data(), stored.size()) != stored.size())
    return corrupt("is not one whole zstd frame");
  return ok();
}

}  // namespace

struct ChunkEncoder::Context {
  int level = 0;
  std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> zstd{ZSTD_createCCtx(), ZSTD_freeCCtx};
};

ChunkEncoder::ChunkEncoder(std::unique_ptr<Context> context) : context_(std::move(context)) {}
ChunkEncoder::ChunkEncoder(ChunkEncoder&&) noexcept = default;
ChunkEncoder& ChunkEncoder::operator=(ChunkEncoder&&) noexcept = default;
ChunkEncoder::~ChunkEncoder() = default;

Result<ChunkEncoder> ChunkEncoder::make(int level) {
  if (level < min_pack_level || level > max_pack_level)
    return Error{Errc::invalid, "level " + std::to_string(level) + ": is not 1 to 19"};
  auto context = std::make_unique<Context>();
  if (!context->zstd) return out_of_memory();
  context->level = level;
  CUBE_CHECK(checked(ZSTD_CCtx_setParameter(context->zstd.get(), ZSTD_c_compressionLevel, level)));
  return ChunkEncoder(std::move(context));
}

Result<EncodedChunk> ChunkEncoder::encode(std::string_view raw) {
  return encode(raw, {});
}

Result<EncodedChunk> ChunkEncoder::encode(std::string_view raw, std::string_view prefix) {
  if (raw.empty() || raw.size() > max_chunk_bytes || prefix.size() > max_prefix_bytes)
    return Error{Errc::bug, "a chunk of " + std::to_string(raw.size()) + " bytes"};
  EncodedChunk made;
  made.bytes.resize(ZSTD_compressBound(raw.size()));
  auto* zstd = context_->zstd.get();
  CUBE_CHECK(set_window(zstd, context_->level, prefix.empty() ? 0 : raw.size() + prefix.size()));
  if (!prefix.empty()) CUBE_CHECK(checked(ZSTD_CCtx_refPrefix(zstd, prefix.data(), prefix.size())));
  const auto size =
      ZSTD_compress2(zstd, made.bytes.data(), made.bytes.size(), raw.data(), raw.size());
  CUBE_CHECK(checked(size));
  const auto shorter = prefix.empty() ? Encoding::zstd : Encoding::delta;
  made.entry.encoding = size < raw.size() ? shorter : Encoding::stored;
  if (made.entry.encoding == Encoding::stored)
    made.bytes = raw;
  else
    made.bytes.resize(size);
  made.entry.sha256 = sha256(made.bytes);
  made.entry.stored = static_cast<std::uint32_t>(made.bytes.size());
  made.entry.raw = static_cast<std::uint32_t>(raw.size());
  return made;
}

struct ChunkDecoder::Context {
  // The whole of the frame into memory for exactly the declared length.
  Result<std::string_view> expand(const Chunk& entry, std::string_view stored) {
    CUBE_CHECK(check_frame(entry, stored));
    if (raw.size() < entry.raw) {
      raw = std::string();  // not held twice while it grows
      raw.resize(entry.raw);
    }
    const auto size =
        ZSTD_decompressDCtx(zstd.get(), raw.data(), entry.raw, stored.data(), stored.size());
    if (ZSTD_isError(size) != 0)
      return corrupt(std::string("its zstd frame is damaged (") + ZSTD_getErrorName(size) + ")");
    if (size != entry.raw) return corrupt("its zstd frame holds fewer bytes than it says");
    return std::string_view(raw).substr(0, size);
  }

  std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> zstd{ZSTD_createDCtx(), ZSTD_freeDCtx};
  std::string raw;
};

ChunkDecoder::ChunkDecoder(std::unique_ptr<Context> context) : context_(std::move(context)) {}
ChunkDecoder::ChunkDecoder(ChunkDecoder&&) noexcept = default;
ChunkDecoder& ChunkDecoder::operator=(ChunkDecoder&&) noexcept = default;
ChunkDecoder::~ChunkDecoder() = default;

Result<ChunkDecoder> ChunkDecoder::make() {
  auto context = std::make_unique<Context>();
  if (!context->zstd) return out_of_memory();
  return ChunkDecoder(std::move(context));
}

Result<std::string_view> ChunkDecoder::decode(const Chunk& entry, std::string_view stored) {
  CUBE_CHECK(check_stored(entry, stored));
  if (entry.encoding == Encoding::stored) return stored;
  return context_->expand(entry, stored);
}

Result<std::optional<std::string_view>> ChunkDecoder::decode(const Chunk& entry,
                                                             std::string_view stored,
                                                             std::string_view prefix) {
  CUBE_CHECK(check_stored(entry, stored));
  CUBE_CHECK(checked(ZSTD_DCtx_refPrefix(context_->zstd.get(), prefix.data(), prefix.size())));
  auto raw = context_->expand(entry, stored);
  // A prefix is for one frame; one that was refused must not meet the next.
  (void)ZSTD_DCtx_reset(context_->zstd.get(), ZSTD_reset_session_and_parameters);
  if (!raw) return std::optional<std::string_view>();
  return std::optional<std::string_view>(*raw);
}

}  // namespace cube
