// Packs from objects to a file and back, whole, in part, damaged, and with bombs inside.
#include <gtest/gtest.h>
#include <zstd.h>

#include "slots/pack/pack_file.h"
#include "slots/pack/pack_reader.h"
#include "tests/support/packs.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

std::vector<TestObject> sample() {
  std::vector<TestObject> objects{{ObjectKind::commit, "the commit"},
                                  {ObjectKind::dirtree, words(300, 1)},
                                  {ObjectKind::dirtree, std::string(1, '\0')},
                                  {ObjectKind::dirmeta, "meta"}};
  for (unsigned i = 0; i < 8; ++i) objects.push_back({ObjectKind::file, words(150 + i, 10 + i)});
  objects.push_back({ObjectKind::file, random_bytes(600, 2)});
  objects.push_back({ObjectKind::file, words(1300, 3)});
  objects.push_back({ObjectKind::file, "x"});
  return objects;
}

class PackTest : public testing::Test {
 protected:
  // Writes the pack and says what a manifest would say of it.
  Pack written(const std::vector<TestObject>& objects, const PackOptions& options = {3, 1, 500}) {
    file_ = new_file(path());
    auto made = write_pack(file_, objects, options);
    EXPECT_TRUE(made) << made.error().what;
    index_ = std::make_unique<PackIndex>(made->index);
    const auto bytes = get(path());
    return {"full.pack",        bytes.size(),       to_hex(sha256(bytes)),
            made->place.offset, made->place.length, to_hex(made->index_sha256)};
  }
  [[nodiscard]] std::string path() const { return dir_.path() + "/full.pack"; }

  // Reads header, index and all objects of the file as it is now.
  Result<std::map<std::string, std::string>> read_all_of(const Pack& pack) {
    KeptObjects kept;
    const Fd file(::open(path().c_str(), O_RDONLY | O_CLOEXEC));
    CUBE_TRY(const auto index, read_pack_index(file, pack));
    CUBE_CHECK(read_pack_objects(file, index, kept));
    return kept.whole;
  }
  [[nodiscard]] std::string stored(std::size_t chunk) const {
    return get(path()).substr(index_->chunk_offset(chunk), index_->chunks()[chunk].stored);
  }

  ScratchDir dir_;
  Fd file_;
  std::unique_ptr<PackIndex> index_;
};

std::map<std::string, std::string> by_name(const std::vector<TestObject>& objects) {
  std::map<std::string, std::string> named;
  for (const auto& object : objects)
    named[describe(object.kind, sha256(object.bytes))] = object.bytes;
  return named;
}

TEST_F(PackTest, WhatIsWrittenIsReadBack) {
  const auto pack = written(sample());
  const auto read = read_all_of(pack);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(*read, by_name(sample()));
  EXPECT_EQ(pack.index_offset + pack.index_length, pack.length);
}

TEST_F(PackTest, MetadataAndLargeObjectsHaveTheirChunksForThemselves) {
  const std::vector<TestObject> objects{{ObjectKind::commit, "the commit"},
                                        {ObjectKind::dirmeta, "meta"},
                                        {ObjectKind::file, words(100, 1)},
                                        {ObjectKind::file, words(4000, 2)},
                                        {ObjectKind::file, words(200, 3)},
                                        {ObjectKind::file, words(801, 4)},
                                        {ObjectKind::file, random_bytes(9 << 20, 5)},
                                        {ObjectKind::file, words(10, 6)}};
  written(objects);
  std::vector<std::uint32_t> raw;
  for (const auto& chunk : index_->chunks()) raw.push_back(chunk.raw);
  EXPECT_EQ(raw,
            (std::vector<std::uint32_t>{14, 100, 4000, 200, 801, 4 << 20, 4 << 20, 1 << 20, 10}));
  EXPECT_EQ(index_->chunks()[5].encoding, Encoding::stored) << "random bytes get no shorter";
  EXPECT_EQ(index_->chunks()[2].encoding, Encoding::zstd);
}

TEST_F(PackTest, TheNumberOfThreadsDoesNotMatter) {
  auto objects = sample();
  for (unsigned i = 0; i < 40; ++i)
    objects.push_back({ObjectKind::file, words(200'000 + 1000 * i, 100 + i)});
  objects.push_back({ObjectKind::file, words(10 << 20, 7)});
  written(objects, {3, 1, 64 * 1024});
  const auto alone = get(path());
  for (const unsigned threads : {1U, 2U, 5U}) {
    written(objects, {3, threads, 64 * 1024});
    EXPECT_EQ(get(path()), alone) << threads;
  }
}

TEST_F(PackTest, OnlyWhatIsWantedIsGiven) {
  const auto objects = sample();
  written(objects);
  for (std::size_t one = 0; one < objects.size(); ++one) {
    Wanted wanted(objects.size());
    wanted[one] = true;
    auto reader = PackReader::make(*index_, wanted).value();
    EXPECT_EQ(reader.finish().error().code, Errc::bug) << "nothing was read yet";
    KeptObjects kept;
    for (const auto& range : plan_ranges(*index_, wanted, 0))
      for (std::size_t i = range.first; i < range.first + range.count; ++i)
        ASSERT_TRUE(reader.feed(i, stored(i), kept));
    ASSERT_TRUE(reader.finish());
    EXPECT_EQ(kept.whole, by_name({objects[one]}));
  }
  auto nothing = PackReader::make(*index_, Wanted(objects.size())).value();
  EXPECT_TRUE(nothing.finish());
}

// The writer does not use all that the format allows: an object may begin and end anywhere.
TEST_F(PackTest, ChunksMayBeCutAnywhere) {
  const auto objects = sample();
  PackIndex::Content content;
  content.commit = sha256(objects[0].bytes);
  std::string all;
  for (const auto& object : objects) {
    content.objects.push_back({object.kind, sha256(object.bytes), object.bytes.size()});
    all += object.bytes;
  }
  std::vector<std::string> chunks;
  for (std::size_t at = 0; at < all.size(); at += 37) {
    const auto bytes = all.substr(at, 37);
    const auto size = static_cast<std::uint32_t>(bytes.size());
    chunks.push_back(bytes);
    content.chunks.push_back({sha256(bytes), size, size, Encoding::stored});
  }
  const auto index = PackIndex::make(content).value();
  for (std::size_t one = 0; one < objects.size(); ++one) {
    Wanted wanted(objects.size());
    wanted[one] = wanted[objects.size() - 1 - one] = true;
    auto reader = PackReader::make(index, wanted).value();
    KeptObjects kept;
    for (const auto& range : plan_ranges(index, wanted, 0))
      for (std::size_t i = range.first; i < range.first + range.count; ++i)
        ASSERT_TRUE(reader.feed(i, chunks[i], kept));
    ASSERT_TRUE(reader.finish());
    EXPECT_EQ(kept.whole, by_name({objects[one], objects[objects.size() - 1 - one]}));
  }
}

TEST_F(PackTest, AfterAnInterruptionTheRestIsRead) {
  const auto objects = sample();
  written(objects, {3, 1, 200});
  for (std::size_t cut = 0; cut < index_->chunks().size(); ++cut) {
    KeptObjects kept;
    Wanted wanted(objects.size(), true);
    auto first = PackReader::make(*index_, wanted).value();
    for (std::size_t i = 0; i < cut; ++i) ASSERT_TRUE(first.feed(i, stored(i), kept));
    for (std::size_t i = 0; i < objects.size(); ++i)
      wanted[i] = kept.whole.count(describe(objects[i].kind, sha256(objects[i].bytes))) == 0;
    auto second = PackReader::make(*index_, wanted).value();
    KeptObjects rest;
    for (const auto& range : plan_ranges(*index_, wanted, 0))
      for (std::size_t i = range.first; i < range.first + range.count; ++i)
        ASSERT_TRUE(second.feed(i, stored(i), rest));
    ASSERT_TRUE(second.finish());
    kept.whole.merge(rest.whole);
    EXPECT_EQ(kept.whole, by_name(objects)) << cut;
  }
}

TEST_F(PackTest, ChunksOutOfOrderAreABug) {
  written(sample());
  ASSERT_GT(index_->chunks().size(), 3u);
  KeptObjects kept;
  const Wanted all(index_->objects().size(), true);
  auto reader = PackReader::make(*index_, all).value();
  EXPECT_EQ(reader.feed(1, stored(1), kept).error().code, Errc::bug) << "the first one left out";
  ASSERT_TRUE(reader.feed(0, stored(0), kept));
  EXPECT_EQ(reader.feed(0, stored(0), kept).error().code, Errc::bug) << "again";
  EXPECT_EQ(reader.feed(index_->chunks().size(), "", kept).error().code, Errc::bug);
  EXPECT_EQ(PackReader::make(*index_, Wanted(1)).error().code, Errc::bug);
}

TEST_F(PackTest, EveryFlippedByteOfTheFileIsFound) {
  const auto pack = written(sample());
  const auto good = get(path());
  for (std::size_t at = 0; at < good.size(); ++at) {
    auto bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
    put(path(), bad);
    const auto read = read_all_of(pack);
    ASSERT_FALSE(read) << "byte " << at;
    EXPECT_EQ(read.error().code, Errc::corrupt) << read.error().what;
  }
}

TEST_F(PackTest, EveryTruncationOfTheFileIsFound) {
  const auto pack = written(sample());
  const auto good = get(path());
  for (std::size_t size = 0; size < good.size(); size += 11) {
    put(path(), good.substr(0, size));
    ASSERT_EQ(read_all_of(pack).error().code, Errc::corrupt) << size;
    auto shorter = pack;  // as a lying manifest would have it
    shorter.length = size;
    ASSERT_EQ(read_all_of(shorter).error().code, Errc::corrupt) << size;
  }
  put(path(), good + "x");
  EXPECT_EQ(read_all_of(pack).error().code, Errc::corrupt);
}

TEST_F(PackTest, AnotherPackOfTheSameShapeIsRefused) {
  const auto with = [](unsigned seed) {
    return std::vector<TestObject>{{ObjectKind::commit, random_bytes(80, seed)},
                                   {ObjectKind::file, random_bytes(800, seed + 1)}};
  };
  const auto pack = written(with(1));
  const auto other = written(with(5));  // now the one in the file
  ASSERT_EQ(other.index_offset, pack.index_offset);
  ASSERT_EQ(other.length, pack.length);
  EXPECT_TRUE(read_all_of(other));
  EXPECT_EQ(read_all_of(pack).error().code, Errc::corrupt);
}

TEST_F(PackTest, AnObjectThatIsNotWhatItsNameSaysIsFound) {
  const auto pack = written(sample());
  auto bytes = get(path());
  auto content = PackIndex::Content{index_->commit(), index_->chunks(), index_->objects()};
  content.objects[5].name[31] ^= 1;
  const auto index = render_pack_index(PackIndex::make(content).value());
  put(path(), bytes.substr(0, pack.index_offset) + index);
  auto lying = pack;
  lying.index_sha256 = to_hex(sha256(index));
  const auto read = read_all_of(lying);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::corrupt);
  EXPECT_NE(read.error().what.find(describe(ObjectKind::file, content.objects[5].name)),
            std::string::npos);
}

TEST_F(PackTest, TheWriterRefusesWhatNoPackHolds) {
  const auto refused = [&](const std::vector<TestObject>& objects) {
    const auto file = new_file(path());
    return !write_pack(file, objects);
  };
  EXPECT_TRUE(
      refused({{ObjectKind::commit, "c"}, {ObjectKind::file, "f"}, {ObjectKind::file, "f"}}));
  EXPECT_TRUE(
      refused({{ObjectKind::commit, "c"}, {ObjectKind::file, "f"}, {ObjectKind::dirmeta, "m"}}));
  EXPECT_TRUE(refused({{ObjectKind::file, "f"}}));
  EXPECT_TRUE(refused({{ObjectKind::commit, "c"}, {ObjectKind::file, ""}}));
  const auto file = new_file(path());
  auto writer = PackWriter::make(file, sha256("c"), {}).value();
  ASSERT_TRUE(writer->begin({ObjectKind::commit, sha256("c"), 1}));
  ASSERT_TRUE(writer->write("d"));
  EXPECT_EQ(writer->end().error().code, Errc::corrupt) << "damaged in the repository";
  for (const PackOptions& options :
       {PackOptions{0, 1, 1000}, PackOptions{20, 1, 1000}, PackOptions{3, 0, 1000},
        PackOptions{3, 65, 1000}, PackOptions{3, 1, 0}})
    EXPECT_EQ(PackWriter::make(file, {}, options).error().code, Errc::invalid);
}

// A chunk of any bytes, described as it is in the file.
Chunk described(std::string_view stored, std::size_t raw) {
  return {sha256(stored), static_cast<std::uint32_t>(stored.size()),
          static_cast<std::uint32_t>(raw), Encoding::zstd};
}

std::string frame(const std::string& raw, bool with_size = true) {
  std::string made(ZSTD_compressBound(raw.size()), '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, with_size ? 1 : 0);
  made.resize(ZSTD_compress2(context, made.data(), made.size(), raw.data(), raw.size()));
  ZSTD_freeCCtx(context);
  return made;
}

// An answer for every frame: decoded to exactly what was declared, or refused.
Errc verdict(std::string_view stored, std::size_t raw) {
  auto decoder = ChunkDecoder::make().value();
  const auto decoded = decoder.decode(described(stored, raw), stored);
  if (!decoded) return decoded.error().code;
  EXPECT_EQ(decoded->size(), raw);
  return Errc::nothing_to_do;
}

TEST(PackChunk, OnlyOneWholeFrameOfTheDeclaredSizeIsDecoded) {
  const std::string raw = words(5000, 1);
  const auto good = frame(raw);
  EXPECT_EQ(verdict(good, raw.size()), Errc::nothing_to_do);
  EXPECT_EQ(verdict(good, raw.size() - 1), Errc::corrupt);
  EXPECT_EQ(verdict(good, raw.size() + 1), Errc::corrupt);
  EXPECT_EQ(verdict(good + good, raw.size()), Errc::corrupt) << "two frames";
  EXPECT_EQ(verdict(good + good, 2 * raw.size()), Errc::corrupt);
  EXPECT_EQ(verdict(good + "x", raw.size()), Errc::corrupt);
  EXPECT_EQ(verdict(frame(raw, false), raw.size()), Errc::corrupt) << "says no size";
  const std::string skipped("\x50\x2A\x4D\x18\x04\0\0\0abcd", 12);
  EXPECT_EQ(verdict(skipped, raw.size()), Errc::corrupt);
  EXPECT_EQ(verdict(skipped + good, raw.size()), Errc::corrupt);
  EXPECT_EQ(verdict(good + skipped, raw.size()), Errc::corrupt);
  EXPECT_EQ(verdict("", 1), Errc::corrupt);
  EXPECT_EQ(verdict(raw, raw.size() + 1), Errc::corrupt) << "no zstd at all";
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(verdict(good.substr(0, size), raw.size()), Errc::corrupt) << size;
}

TEST(PackChunk, ABombDoesNotGoOff) {
  const auto bomb = frame(std::string(64 << 20, '\0'));
  ASSERT_LT(bomb.size(), 10000u);
  EXPECT_EQ(verdict(bomb, 64 << 20), Errc::corrupt) << "larger than a chunk may be";
  EXPECT_EQ(verdict(bomb, 1000), Errc::corrupt);
  // The frame's own size made to lie: 4 MiB of zeros that say that they are 300 bytes.
  auto liar = frame(std::string(300, '\0'));
  const auto blocks = frame(std::string(max_chunk_bytes, '\0'));
  ASSERT_EQ(static_cast<unsigned char>(liar[4]) >> 6, 1) << "two bytes of content size";
  ASSERT_EQ(static_cast<unsigned char>(blocks[4]) >> 6, 2) << "four bytes of content size";
  const bool single_segment = (static_cast<unsigned char>(blocks[4]) & 0x20) != 0;
  liar = liar.substr(0, 7) + blocks.substr(single_segment ? 9 : 10);
  EXPECT_EQ(verdict(liar, 300), Errc::corrupt);
}

// With the digest recomputed, as a publisher who lies would do it.
TEST(PackChunk, ADamagedFrameIsRefusedOrHasItsSize) {
  const std::string raw = words(2000, 1);
  const auto good = frame(raw);
  int refused = 0;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    if (verdict(bad, raw.size()) == Errc::corrupt) ++refused;
  }
  EXPECT_GT(refused, 50);
}

TEST(PackChunk, BytesOfAnotherDigestAreNotDecoded) {
  const std::string raw = words(2000, 1);
  const auto good = frame(raw);
  auto decoder = ChunkDecoder::make().value();
  auto entry = described(good, raw.size());
  EXPECT_EQ(decoder.decode(entry, good).value(), raw);
  entry.sha256[0] ^= 1;
  EXPECT_EQ(decoder.decode(entry, good).error().code, Errc::corrupt);
  entry = {sha256(raw), static_cast<std::uint32_t>(raw.size()),
           static_cast<std::uint32_t>(raw.size()), Encoding::stored};
  EXPECT_EQ(decoder.decode(entry, raw).value(), raw);
  EXPECT_EQ(decoder.decode(entry, raw.substr(1)).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace cube
