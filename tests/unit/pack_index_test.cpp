// The index of a pack from anybody: what it can say wrongly, and what is asked for with a good one.
#include "slots/pack/pack_index.h"

#include <gtest/gtest.h>

#include "slots/pack/pack_plan.h"

namespace cube {
namespace {

Sha256 named(unsigned n) {
  Sha256 name{};
  for (int i = 0; i < 4; ++i)
    name[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(n >> (24 - 8 * i));
  return name;
}

// Raw bytes:  chunk 0: 0-99 | chunk 1: 100-199 | chunk 2: 200-209
// Objects:    commit 0-9, dirtree 10-99, dirmeta 100-101, files 102-149, 150-205, 206-209
PackIndex::Content good() {
  PackIndex::Content content;
  content.commit = named(1);
  content.chunks = {{named(101), 40, 100, Encoding::zstd},
                    {named(102), 100, 100, Encoding::stored},
                    {named(103), 9, 10, Encoding::zstd}};
  content.objects = {{ObjectKind::commit, named(1), 10}, {ObjectKind::dirtree, named(9), 90},
                     {ObjectKind::dirmeta, named(5), 2}, {ObjectKind::file, named(7), 48},
                     {ObjectKind::file, named(3), 56},   {ObjectKind::file, named(4), 4}};
  return content;
}
constexpr std::uint64_t good_end = 32 + 40 + 100 + 9;

std::string good_bytes() {
  return render_pack_index(PackIndex::make(good()).value());
}

void put(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
}

TEST(PackIndex, IsReadBackAsItWasWritten) {
  const auto bytes = good_bytes();
  EXPECT_EQ(bytes.size(), 96u + 3 * 48 + 6 * 40);
  const auto index = parse_pack_index(bytes, good_end);
  ASSERT_TRUE(index) << index.error().what;
  EXPECT_EQ(render_pack_index(*index), bytes);
  EXPECT_EQ(index->commit(), named(1));
  EXPECT_EQ(index->chunk_offset(0), 32u);
  EXPECT_EQ(index->chunk_offset(2), 172u);
  EXPECT_EQ(index->chunk_offset(3), good_end);
  EXPECT_EQ(index->object_start(4), 150u);
  EXPECT_EQ(index->object_start(6), 210u);
}

TEST(PackIndex, FindsByPositionAndByName) {
  const auto index = PackIndex::make(good()).value();
  EXPECT_EQ(index.chunk_at(0), 0u);
  EXPECT_EQ(index.chunk_at(99), 0u);
  EXPECT_EQ(index.chunk_at(100), 1u);
  EXPECT_EQ(index.chunk_at(209), 2u);
  EXPECT_EQ(index.object_at(0), 0u);
  EXPECT_EQ(index.object_at(149), 3u);
  EXPECT_EQ(index.object_at(150), 4u);
  EXPECT_EQ(index.object_at(210), 6u);
  EXPECT_EQ(index.find(ObjectKind::file, named(3)), 4u);
  EXPECT_EQ(index.find(ObjectKind::commit, named(1)), 0u);
  EXPECT_EQ(index.find(ObjectKind::file, named(1)), std::nullopt) << "another kind";
  EXPECT_EQ(index.find(ObjectKind::file, named(255)), std::nullopt);
}

TEST(PackIndex, LiesAreRefused) {
  const std::size_t chunk1 = 96 + 48, chunk2 = chunk1 + 48, objects = 96 + 3 * 48;
  struct Lie {
    const char* what;
    std::size_t at;
    std::uint64_t value;
    std::size_t size;
  };
  const Lie lies[] = {
      {"no index", 0, 'X', 1},
      {"the version of a delta", 8, 2, 4},
      {"a newer version", 8, 3, 4},
      {"version 0", 8, 0, 4},
      {"one chunk more than there is", 12, 4, 4},
      {"2^32-1 chunks", 12, 0xFFFFFFFF, 4},
      {"no chunks", 12, 0, 4},
      {"no commit", 16, 0, 4},
      {"two commits", 16, 2, 4},
      {"2^32-1 files", 28, 0xFFFFFFFF, 4},
      {"2^20+1 files", 28, 0x100001, 4},
      {"another commit", 32, 0xFF, 1},
      {"a delta", 64, 1, 1},
      {"a delta, last byte", 95, 1, 1},
      {"an empty chunk", chunk1 + 36, 0, 4},
      {"a chunk over 4 MiB", chunk1 + 36, max_chunk_bytes + 1, 4},
      {"a chunk of 4 GiB", chunk1 + 36, 0xFFFFFFFF, 4},
      {"a chunk that is longer in the file than it is", chunk1 + 32, 101, 4},
      {"a chunk of 4 GiB in the file", chunk1 + 32, 0xFFFFFFFF, 4},
      {"compressed to nothing", chunk2 + 32, 0, 4},
      {"compressed to its own length", chunk2 + 32, 10, 4},
      {"an unknown encoding", chunk1 + 40, 2, 4},
      {"a large encoding", chunk1 + 40, 0x01000000, 4},
      {"a reserved number", chunk1 + 44, 1, 4},
      {"an empty object", objects + 32, 0, 8},
      {"an object a byte too short", objects + 5 * 40 + 32, 3, 8},
      {"an object a byte too long", objects + 5 * 40 + 32, 5, 8},
      {"an object that is longer than all", objects + 40 + 32, 0xFFFFFFFFFFFFFFFF, 8},
      {"a sum of objects that overflows", objects + 3 * 40 + 32, 0xFFFFFFFFFFFFFFFF - 100, 8},
      {"a file twice", objects + 5 * 40 + 3, 3, 1},
  };
  for (const auto& lie : lies) {
    auto bytes = good_bytes();
    put(bytes, lie.at, lie.value, lie.size);
    const auto index = parse_pack_index(bytes, good_end);
    ASSERT_FALSE(index) << lie.what;
    EXPECT_EQ(index.error().code, Errc::corrupt) << lie.what;
  }
  for (const auto offset : {good_end - 1, good_end + 1, std::uint64_t{0}, ~std::uint64_t{0}})
    EXPECT_FALSE(parse_pack_index(good_bytes(), offset)) << offset;
  EXPECT_FALSE(parse_pack_index(good_bytes() + '\0', good_end));
}

TEST(PackIndex, LiesThatFitTogetherAreRefused) {
  auto wrapped = good();  // the sum comes out right, once round 2^64
  wrapped.objects[3].length += std::uint64_t{1} << 63;
  wrapped.objects[4].length += std::uint64_t{1} << 63;
  EXPECT_EQ(PackIndex::make(wrapped).error().code, Errc::corrupt);
  auto two_commits = good();
  two_commits.objects[1].kind = ObjectKind::commit;
  EXPECT_EQ(PackIndex::make(two_commits).error().code, Errc::corrupt);
  auto mixed = good();
  mixed.objects[2].kind = ObjectKind::file;
  mixed.objects[3].kind = ObjectKind::dirmeta;
  EXPECT_EQ(PackIndex::make(mixed).error().code, Errc::corrupt);
  auto empty = good();
  empty.objects.clear();
  EXPECT_EQ(PackIndex::make(empty).error().code, Errc::corrupt);
}

TEST(PackIndex, EveryTruncationIsRefused) {
  const auto bytes = good_bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(parse_pack_index(std::string_view(bytes).substr(0, size), good_end)) << size;
}

// Any bit of the index matters: none can be flipped and give an index that says the same.
TEST(PackIndex, NoFlippedBitGoesUnnoticedOrUnsaid) {
  const auto bytes = good_bytes();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto index = parse_pack_index(damaged, good_end);
    if (index) {
      EXPECT_EQ(render_pack_index(*index), damaged) << "bit " << bit;
    }
  }
}

TEST(PackIndex, AMillionObjectsAreReadAndOneMoreIsNot) {
  PackIndex::Content content;
  content.commit = named(1);
  content.objects.push_back({ObjectKind::commit, named(1), 1});
  for (unsigned i = 2; i <= max_pack_objects; ++i)
    content.objects.push_back({ObjectKind::file, named(i), 1});
  for (unsigned i = 0; i < max_pack_objects; ++i)
    content.chunks.push_back({named(i), 1, 1, Encoding::stored});
  const auto index = PackIndex::make(content);
  ASSERT_TRUE(index) << index.error().what;
  const auto bytes = render_pack_index(*index);
  EXPECT_EQ(bytes.size(), index_head_bytes + max_pack_chunks * chunk_entry_bytes +
                              max_pack_objects * object_entry_bytes);
  const auto again = parse_pack_index(bytes, 32 + max_pack_chunks);
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(again->find(ObjectKind::file, named(777777)), 777776u);
  EXPECT_EQ(plan_ranges(*again, Wanted(max_pack_objects, true), 0).size(), 1u);

  content.objects.push_back({ObjectKind::file, named(0), 1});
  EXPECT_FALSE(PackIndex::make(content));
  content.objects.pop_back();
  content.chunks.push_back({named(0), 1, 1, Encoding::stored});
  EXPECT_FALSE(PackIndex::make(content));
}

TEST(PackHeader, OnlyItsOwnBytesAreRead) {
  const auto bytes = render_pack_header({123456789012, 4242});
  ASSERT_EQ(bytes.size(), pack_header_bytes);
  const auto place = parse_pack_header(bytes);
  ASSERT_TRUE(place) << place.error().what;
  EXPECT_EQ(place->offset, 123456789012u);
  EXPECT_EQ(place->length, 4242u);
  for (std::size_t at = 0; at < 16; ++at) {
    auto wrong = bytes;
    wrong[at] = static_cast<char>(wrong[at] ^ 0x40);
    EXPECT_EQ(parse_pack_header(wrong).error().code, Errc::corrupt) << at;
  }
  EXPECT_FALSE(parse_pack_header(bytes.substr(1)));
  EXPECT_FALSE(parse_pack_header(bytes + "x"));
}

std::vector<ChunkRange> plan(std::initializer_list<std::size_t> objects, std::uint64_t gap) {
  const auto index = PackIndex::make(good()).value();
  Wanted wanted(index.objects().size());
  for (const auto i : objects) wanted[i] = true;
  return plan_ranges(index, wanted, gap);
}

TEST(PackPlan, AsksForTheChunksOfWhatIsWanted) {
  using Ranges = std::vector<ChunkRange>;
  EXPECT_EQ(plan({}, 1000), Ranges{});
  EXPECT_EQ(plan({0}, 0), (Ranges{{0, 1, 32, 40}}));
  EXPECT_EQ(plan({0, 1}, 0), (Ranges{{0, 1, 32, 40}})) << "one chunk, once";
  EXPECT_EQ(plan({3}, 0), (Ranges{{1, 1, 72, 100}}));
  EXPECT_EQ(plan({4}, 0), (Ranges{{1, 2, 72, 109}})) << "an object over two chunks";
  EXPECT_EQ(plan({5}, 0), (Ranges{{2, 1, 172, 9}}));
  EXPECT_EQ(plan({0, 5}, 99), (Ranges{{0, 1, 32, 40}, {2, 1, 172, 9}}));
  EXPECT_EQ(plan({0, 5}, 100), (Ranges{{0, 3, 32, 149}})) << "the gap is worth less than a request";
  EXPECT_EQ(plan({0, 1, 2, 3, 4, 5}, 0), (Ranges{{0, 3, 32, 149}}));
}

}  // namespace
}  // namespace cube
