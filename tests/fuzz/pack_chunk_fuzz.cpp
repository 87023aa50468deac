// One chunk from anybody: a byte of encoding, three of raw length, the bytes of the file. No crash,
// no more memory than a chunk may take, and either exactly the declared length or an error. Then
// the raw bytes as objects of a pack, given whole or refused.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "slots/pack/pack_reader.h"

namespace {

void demand(bool condition) {
  if (!condition) std::abort();
}

class Counting : public cube::ObjectSink {
 public:
  cube::Status begin(const cube::PackObject& object) override {
    left_ = object.length;
    return cube::ok();
  }
  cube::Status write(std::string_view bytes) override {
    demand(bytes.size() <= left_);
    left_ -= bytes.size();
    return cube::ok();
  }
  cube::Status end() override {
    demand(left_ == 0);
    ++ended;
    return cube::ok();
  }
  cube::Status lose() override { return cube::Error{cube::Errc::bug, "lost"}; }
  std::size_t ended = 0;

 private:
  std::uint64_t left_ = 0;
};

// The chunk in a pack with one object that has its bytes, or with one that only says so.
void as_pack(const cube::Chunk& chunk, std::string_view stored, std::string_view raw, bool lying) {
  cube::PackIndex::Content content;
  content.commit = cube::sha256(raw);
  if (lying) content.commit[7] ^= 1;
  content.chunks = {chunk};
  content.objects = {{cube::ObjectKind::commit, content.commit, chunk.raw}};
  const auto index = cube::PackIndex::make(content);
  if (!index) return;  // a chunk that no index may have
  auto reader = cube::PackReader::make(*index, cube::Wanted(1, true));
  Counting counting;
  demand(reader->feed(0, stored, counting).has_value() == !lying);
  demand(counting.ended == (lying ? 0 : 1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const std::string_view stored(reinterpret_cast<const char*>(data) + 4, size - 4);
  cube::Chunk chunk;
  chunk.encoding = data[0] % 2 == 0 ? cube::Encoding::stored : cube::Encoding::zstd;
  chunk.raw = data[1] | static_cast<std::uint32_t>(data[2]) << 8 |
              static_cast<std::uint32_t>(data[3]) << 16;
  chunk.stored = static_cast<std::uint32_t>(stored.size());
  chunk.sha256 = cube::sha256(stored);
  static auto decoder = cube::ChunkDecoder::make();
  const auto raw = decoder->decode(chunk, stored);
  if (!raw) return 0;
  demand(raw->size() == (chunk.encoding == cube::Encoding::zstd ? chunk.raw : chunk.stored));
  as_pack(chunk, stored, *raw, false);
  as_pack(chunk, stored, *raw, true);
  return 0;
}
