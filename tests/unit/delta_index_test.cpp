// The index of a delta from anybody: what it can say wrongly besides what any index can.
#include <gtest/gtest.h>

#include "slots/pack/pack_index.h"

namespace cube {
namespace {

Sha256 named(unsigned char n) {
  Sha256 name{};
  name[0] = n;
  return name;
}

// Objects: commit 0-9, file 10-109 (chunk 1), file 110-209 (chunk 2)
PackIndex::Content good() {
  PackIndex::Content content;
  content.commit = named(1);
  content.from = named(2);
  content.chunks = {{named(101), 10, 10, Encoding::stored, 0},
                    {named(102), 40, 100, Encoding::delta, 2},
                    {named(103), 30, 100, Encoding::delta, 3}};
  content.objects = {{ObjectKind::commit, named(1), 10},
                     {ObjectKind::file, named(7), 100},
                     {ObjectKind::file, named(8), 100}};
  content.bases = {{named(20), 1000}, {named(21), 500}, {named(7), 80}};
  content.windows = {{0, 1000, 0}, {1, 1, 499}, {1, 500, 0}, {2, 80, 0}, {0, 10, 990}};
  return content;
}
constexpr std::uint64_t good_end = 32 + 10 + 40 + 30;
constexpr std::size_t chunks = 104, objects = chunks + 3 * 48, bases = objects + 3 * 40,
                      windows = bases + 3 * 40;

void put(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
}

TEST(DeltaIndex, IsReadBackAsItWasWritten) {
  const auto bytes = render_pack_index(PackIndex::make(good()).value());
  EXPECT_EQ(bytes.size(), windows + 5 * 16);
  const auto index = parse_pack_index(bytes, good_end);
  ASSERT_TRUE(index) << index.error().what;
  EXPECT_EQ(render_pack_index(*index), bytes);
  EXPECT_EQ(index->from(), named(2));
  EXPECT_EQ(index->windows_of(0).size(), 0u);
  ASSERT_EQ(index->windows_of(1).size(), 2u);
  ASSERT_EQ(index->windows_of(2).size(), 3u);
  EXPECT_EQ(index->windows_of(1)[1].offset, 499u);
  EXPECT_EQ(index->windows_of(2)[1].base, 2u);
  EXPECT_EQ(index->bases()[1].size, 500u);
}

TEST(DeltaIndex, ADeltaThatNeedsNothingIsOne) {
  auto content = good();
  content.chunks[1] = {named(102), 100, 100, Encoding::stored, 0};
  content.chunks[2] = {named(103), 30, 100, Encoding::zstd, 0};
  content.bases.clear();
  content.windows.clear();
  const auto bytes = render_pack_index(PackIndex::make(content).value());
  const auto index = parse_pack_index(bytes, 32 + 10 + 100 + 30);
  ASSERT_TRUE(index) << index.error().what;
  EXPECT_TRUE(index->from());
}

TEST(DeltaIndex, LiesAreRefused) {
  struct Lie {
    const char* what;
    std::size_t at;
    std::uint64_t value;
    std::size_t size;
  };
  const Lie lies[] = {
      {"a newer version", 8, 3, 4},
      {"the version of a full pack", 8, 1, 4},
      {"no older commit", 64, 0, 1},
      {"its own commit as the older one", 64, 1, 1},
      {"a base more than there is", 96, 4, 4},
      {"a base fewer", 96, 2, 4},
      {"2^32-1 bases", 96, 0xFFFFFFFF, 4},
      {"2^20+1 bases", 96, 0x100001, 4},
      {"a window more", 100, 6, 4},
      {"a window fewer", 100, 4, 4},
      {"2^32-1 windows", 100, 0xFFFFFFFF, 4},
      {"encoding 3", chunks + 48 + 40, 3, 4},
      {"a stored chunk with windows", chunks + 44, 1, 4},
      {"a chunk of encoding 2 without windows", chunks + 48 + 44, 0, 4},
      {"a chunk of encoding 1 with windows", chunks + 48 + 40, 1, 4},
      {"a chunk with another's windows", chunks + 48 + 44, 3, 4},
      {"more windows than there are", chunks + 2 * 48 + 44, 4, 4},
      {"2^32-1 windows of a chunk", chunks + 2 * 48 + 44, 0xFFFFFFFF, 4},
      {"fewer windows than there are", chunks + 2 * 48 + 44, 2, 4},
      {"encoding 2 to its own length", chunks + 48 + 32, 100, 4},
      {"encoding 2 to nothing", chunks + 48 + 32, 0, 4},
      {"an empty base", bases + 32, 0, 8},
      {"a base that is shorter than its window", bases + 32, 999, 8},
      {"a base twice", bases + 40, 20, 1},
      {"an empty window", windows + 4, 0, 4},
      {"a window that ends after its base", windows + 16 + 4, 2, 4},
      {"a window that begins after its base", windows + 16 + 8, 501, 8},
      {"a window whose end overflows", windows + 16 + 8, 0xFFFFFFFFFFFFFFFF, 8},
      {"a window of no base", windows + 4 * 16, 3, 4},
      {"a window of base 2^32-1", windows + 4 * 16, 0xFFFFFFFF, 4},
      {"a base before its turn", windows, 1, 4},
      {"a base without a window", windows + 3 * 16, 1, 4},
      {"a base that is the object itself", bases + 2 * 40, 8, 1},
  };
  for (const auto& lie : lies) {
    auto bytes = render_pack_index(PackIndex::make(good()).value());
    put(bytes, lie.at, lie.value, lie.size);
    const auto index = parse_pack_index(bytes, good_end);
    ASSERT_FALSE(index) << lie.what;
    EXPECT_EQ(index.error().code, Errc::corrupt) << lie.what;
  }
}

TEST(DeltaIndex, ABaseOfThePackMustBeWholeBeforeItsChunk) {
  auto early = good();
  early.bases = {{named(7), 80}, {named(20), 1000}, {named(21), 500}};
  early.windows = {{0, 80, 0}, {1, 1, 0}, {2, 500, 0}, {1, 1, 0}, {0, 1, 0}};
  EXPECT_EQ(PackIndex::make(early).error().code, Errc::corrupt) << "its own chunk needs it";
  auto split = good();  // the file ends in the chunk that needs it
  split.chunks[1].raw = 99;
  split.chunks[2].raw = 101;
  EXPECT_EQ(PackIndex::make(split).error().code, Errc::corrupt);
}

TEST(DeltaIndex, WindowsOfAChunkAreBounded) {
  auto content = good();
  content.bases[0].size = 1ULL << 40;
  content.windows[0].length = max_prefix_bytes - 1;
  EXPECT_TRUE(PackIndex::make(content)) << "and one byte of the other";
  content.windows[0].length = max_prefix_bytes;
  EXPECT_EQ(PackIndex::make(content).error().code, Errc::corrupt);
  content.windows[0].length = 0xFFFFFFFF;
  EXPECT_EQ(PackIndex::make(content).error().code, Errc::corrupt);
}

TEST(DeltaIndex, AFullPackHasNoWindows) {
  auto content = good();
  content.from.reset();
  EXPECT_EQ(PackIndex::make(content).error().code, Errc::corrupt);
  content.from = Sha256{};
  EXPECT_EQ(PackIndex::make(content).error().code, Errc::corrupt);
}

TEST(DeltaIndex, EveryTruncationIsRefused) {
  const auto bytes = render_pack_index(PackIndex::make(good()).value());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(parse_pack_index(std::string_view(bytes).substr(0, size), good_end)) << size;
  EXPECT_FALSE(parse_pack_index(bytes + '\0', good_end));
}

TEST(DeltaIndex, NoFlippedBitGoesUnnoticedOrUnsaid) {
  const auto bytes = render_pack_index(PackIndex::make(good()).value());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto index = parse_pack_index(damaged, good_end);
    if (index) {
      EXPECT_EQ(render_pack_index(*index), damaged) << "bit " << bit;
    }
  }
}

TEST(DeltaIndex, AMillionWindowsAreReadAndOneMoreIsNot) {
  PackIndex::Content content;
  content.commit = named(1);
  content.from = named(2);
  content.objects = {{ObjectKind::commit, named(1), 2}};
  content.chunks = {{named(3), 1, 2, Encoding::delta, max_pack_windows}};
  content.bases = {{named(4), 8}};
  content.windows.assign(max_pack_windows, {0, 8, 0});
  const auto index = PackIndex::make(content);
  ASSERT_TRUE(index) << index.error().what;
  EXPECT_EQ(index->windows_of(0).size(), max_pack_windows);
  content.windows.push_back({0, 1, 0});
  ++content.chunks[0].windows;
  EXPECT_EQ(PackIndex::make(content).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace cube
