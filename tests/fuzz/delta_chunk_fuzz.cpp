// A chunk of a delta from anybody, and bases that are not what they were: a byte of what happens to
// the base (kept, missing, damaged, short, unreadable), three of raw length, two of the length of
// the base, the base, the bytes of the file. No crash, no more bytes than the chunk declares, and
// the object is given whole, or lost, but never anything else.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "slots/pack/pack_reader.h"

namespace {

void demand(bool condition) {
  if (!condition) std::abort();
}

class OneBase : public cube::BaseObjects {
 public:
  OneBase(std::string_view content, unsigned fate) : content_(content), fate_(fate) {}
  cube::Status read(const cube::Sha256&, std::uint64_t size, std::uint64_t offset,
                    std::size_t length, std::string& bytes) override {
    demand(size == content_.size() && offset <= size && length <= size - offset);
    demand(length <= cube::max_prefix_bytes);
    const auto before = bytes.size();
    bytes.append(content_, offset, fate_ == 3 ? length / 2 : length);
    if (fate_ == 2) bytes[before] = static_cast<char>(bytes[before] ^ 1);
    if (fate_ == 1) return cube::Error{cube::Errc::not_found, "missing"};
    if (fate_ == 4) return cube::Error{cube::Errc::failed, "the disk is gone"};
    return cube::ok();
  }

 private:
  std::string_view content_;
  unsigned fate_;
};

class OneObject : public cube::ObjectSink {
 public:
  cube::Status begin(const cube::PackObject& object) override {
    left_ = object.length;
    return cube::ok();
  }
  cube::Status write(std::string_view bytes) override {
    demand(bytes.size() <= left_);
    left_ -= bytes.size();
    bytes_ += bytes;
    return cube::ok();
  }
  cube::Status end() override {
    demand(left_ == 0);
    whole = cube::sha256(bytes_);
    return cube::ok();
  }
  cube::Status lose() override { return cube::ok(); }
  std::optional<cube::Sha256> whole;

 private:
  std::uint64_t left_ = 0;
  std::string bytes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 6) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 6, size - 6);
  const auto base = rest.substr(0, data[4] | static_cast<std::size_t>(data[5]) << 8);
  const auto stored = rest.substr(base.size());
  cube::Chunk chunk;
  chunk.encoding = cube::Encoding::delta;
  chunk.windows = 1;
  chunk.raw = data[1] | static_cast<std::uint32_t>(data[2]) << 8 |
              static_cast<std::uint32_t>(data[3]) << 16;
  chunk.stored = static_cast<std::uint32_t>(stored.size());
  chunk.sha256 = cube::sha256(stored);
  static auto decoder = cube::ChunkDecoder::make();
  const auto raw = decoder->decode(chunk, stored, base);
  demand(raw.has_value() || chunk.raw > cube::max_chunk_bytes);
  if (!raw) return 0;
  demand(!*raw || (*raw)->size() == chunk.raw);

  cube::PackIndex::Content content;
  content.commit = cube::sha256(raw->value_or("never comes out"));
  content.from = cube::Sha256{};
  content.from->at(0) = 1;
  content.chunks = {chunk};
  content.objects = {{cube::ObjectKind::commit, content.commit, chunk.raw}};
  content.bases = {{cube::sha256(base), base.size()}};
  content.windows = {{0, static_cast<std::uint32_t>(base.size()), 0}};
  const auto index = cube::PackIndex::make(content);
  if (!index) return 0;  // a chunk or a base that no index may have
  const unsigned fate = data[0] % 5;
  OneBase bases(base, fate);
  auto reader = cube::PackReader::make(*index, cube::Wanted(1, true), &bases);
  OneObject object;
  const auto fed = reader->feed(0, stored, object);
  demand(fed.has_value() == (fate != 4));
  if (!fed) return 0;
  demand(reader->finish().has_value());
  demand(object.whole.has_value() == reader->lost().empty());
  demand(!object.whole || object.whole == content.commit);
  if (fate == 0) demand(object.whole.has_value() == raw->has_value());
  return 0;
}
