// What a delta is made of: which old file a new one was, and which parts of it are the same.
#include "release/delta_plan.h"

#include <gtest/gtest.h>

#include "release/old_paths.h"
#include "release/window_choice.h"
#include "slots/ostree/compose/archive_files.h"
#include "slots/ostree/compose/compose.h"
#include "tests/support/packs.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

namespace fs = std::filesystem;
using Numbers = std::vector<std::uint32_t>;

TEST(OldPaths, TheSamePathThenTheSameButForNumbersThenTheSameName) {
  OldPaths old;
  old.add("/usr/lib/modules/6.1.0-47-amd64/kernel/fs/ext4/ext4.ko", 1);
  old.add("/usr/lib/modules/6.1.0-47-amd64/kernel/fs/ext2/ext2.ko", 2);
  old.add("/usr/lib/libssl.so.1.1.2", 3);
  old.add("/usr/lib/libssl.so.3", 4);
  old.add("/usr/bin/tool", 5);
  old.add("/opt/bin/tool", 6);
  EXPECT_EQ(old.candidates("/usr/bin/tool"), (Numbers{5}));
  EXPECT_EQ(old.candidates("/usr/lib/modules/6.1.0-56-amd64/kernel/fs/ext4/ext4.ko"),
            (Numbers{1, 2}))
      << "the likest first";
  EXPECT_EQ(old.candidates("/usr/lib/libssl.so.1.1.3"), (Numbers{3, 4}));
  EXPECT_EQ(old.candidates("/usr/local/bin/tool"), (Numbers{5, 6})) << "moved";
  EXPECT_EQ(old.candidates("/usr/bin/another"), Numbers{});
}

TEST(OldPaths, AFewCandidatesOfMany) {
  OldPaths old;
  for (std::uint32_t i = 0; i < 100; ++i) old.add("/d" + std::to_string(i) + "x/__init__.py", i);
  EXPECT_EQ(old.candidates("/d7x/__init__.py"), (Numbers{7}));
  const auto found = old.candidates("/d777x/__init__.py");
  EXPECT_EQ(found.size(), OldPaths::most_candidates);
  EXPECT_EQ(found[0], 77u);
}

std::vector<Anchor> anchors_of(std::string_view bytes, std::size_t piece) {
  AnchorScan scan;
  for (std::size_t at = 0; at < bytes.size(); at += piece) scan.update(bytes.substr(at, piece));
  return scan.take();
}

TEST(Anchors, AreTheSameWhereverTheBytesAre) {
  const auto moved = random_bytes(300'000, 1);
  const auto here = anchors_of(moved, 300'000);
  EXPECT_GT(here.size(), 200u);
  EXPECT_LT(here.size(), 400u);
  const auto there = anchors_of(random_bytes(12'345, 2) + moved, 77);
  AnchorIndex index;
  index.add(7, there);
  index.sort();
  std::size_t found = 0;
  for (const auto& anchor : here) {
    const auto [first, last] = index.find(anchor.key);
    if (first == last) continue;
    EXPECT_EQ(first->content, 7u);
    EXPECT_EQ(first->block, (anchor.place + 12'345) / AnchorIndex::block_bytes);
    ++found;
  }
  EXPECT_GE(found + 1, here.size()) << "but one in the first 64 bytes";
}

TEST(Anchors, ARunOfOneByteHasAtMostOneAndWhatIsEverywhereIsForgotten) {
  for (int byte = 0; byte < 256; ++byte)
    EXPECT_LE(anchors_of(std::string(100'000, static_cast<char>(byte)), 1000).size(), 2u) << byte;
  AnchorIndex index;
  for (std::uint32_t i = 0; i < 16; ++i) index.add(i, {{1, 0}, {2, 0}});
  index.add(16, {{2, 0}});
  index.sort();
  EXPECT_EQ(index.find(1).second - index.find(1).first, 16);
  EXPECT_EQ(index.find(2).second - index.find(2).first, 0);
  EXPECT_EQ(index.find(3).second - index.find(3).first, 0);
}

TEST(WindowChoice, FindsThePartsInSeveralContents) {
  const auto first = random_bytes(3'000'000, 1), second = random_bytes(900'000, 2);
  AnchorIndex index;
  index.add(0, anchors_of(first, 4096));
  index.add(1, anchors_of(second, 4096));
  index.add(2, anchors_of(second, 4096));
  index.sort();
  std::vector<BaseContent> contents{{{sha256("1"), first.size()}, true},
                                    {{sha256("2"), second.size()}, true},
                                    {{sha256("3"), second.size()}, false}};
  const auto piece = first.substr(1'500'000, 700'000) + random_bytes(50'000, 3) + second;
  const auto anchors = anchors_of(piece, 4096);
  const auto matched = matching_windows(index, contents, anchors, 4 << 20);
  EXPECT_GT(matched.anchors, anchors.size() * 8 / 10);
  std::uint64_t bytes = 0;
  for (const auto& window : matched.windows) {
    EXPECT_NE(window.base.name, sha256("3")) << "may not be a base";
    EXPECT_LE(window.offset + window.length, window.base.size);
    bytes += window.length;
  }
  EXPECT_GT(bytes, 1'500'000u);
  EXPECT_LT(bytes, 2'000'000u) << "not all of the first one";
  const auto less = matching_windows(index, contents, anchors, 300'000);
  bytes = 0;
  for (const auto& window : less.windows) bytes += window.length;
  EXPECT_LE(bytes, 300'000u);
  EXPECT_GT(bytes, 100'000u);
  const auto like = likest(index, contents, anchors, 5);
  ASSERT_EQ(like.size(), 2u);
  EXPECT_EQ(like[0].content, 1u);
  EXPECT_EQ(likest(index, contents, anchors, 1).size(), 1u);
}

TEST(WindowChoice, TheSamePlaceIsInsideOfTheBase) {
  for (const std::uint64_t size : {1ULL, 1000ULL, 5'000'000ULL, 150'000'000ULL, 1ULL << 40})
    for (const std::uint64_t base : {1ULL, 999ULL, 4'000'000ULL, 300'000'000ULL})
      for (const std::uint64_t begin : {std::uint64_t{0}, size / 2, size - 1}) {
        const auto window =
            window_at_same_place({{}, base}, size, begin, std::min(size, begin + max_chunk_bytes));
        EXPECT_GT(window.length, 0u);
        EXPECT_LE(window.length, max_prefix_bytes);
        EXPECT_LE(window.offset + window.length, base);
      }
}

class DeltaPlanTest : public testing::Test {
 protected:
  [[nodiscard]] fs::path tree() const { return dir_.path() + "/tree"; }
  [[nodiscard]] std::string repository() const { return dir_.path() + "/repo"; }
  CommitObjects commit(const std::string& ref) {
    auto archive = ArchiveRepository::create(repository()).value();
    const auto made = archive.commit_tree(tree(), {ref, 1'700'000'000, false});
    EXPECT_TRUE(made) << made.error().what;
    return CommitObjects::open(repository(), made->commit).value();
  }
  static Sha256 at(const CommitObjects& objects, const std::string& path) {
    for (const auto& each : objects.paths())
      if (each.path == path) return each.file;
    ADD_FAILURE() << path;
    return {};
  }
  static std::set<Sha256> bases_of(const std::vector<PlannedObject>& plan,
                                   const std::string& path) {
    std::set<Sha256> bases;
    for (const auto& planned : plan)
      if (planned.object.path == path)
        for (const auto& windows : planned.windows)
          for (const auto& window : windows) bases.insert(window.base.name);
    return bases;
  }
  std::vector<PlannedObject> plan(const CommitObjects& from, const CommitObjects& to,
                                  unsigned threads = 2) {
    auto made = plan_delta(repository(), from, to, threads, [](const Progress&) {});
    EXPECT_TRUE(made) << made.error().what;
    return std::move(made).value();
  }

  ScratchDir dir_;
};

TEST_F(DeltaPlanTest, EachFileIsMadeOfWhatItWas) {
  put(tree() / "boot/vmlinuz", "kernel");
  put(tree() / "boot/initrd.img", "initrd");
  put(tree() / "lib/mod-1.0/a.ko", random_bytes(40'000, 1));
  put(tree() / "lib/mod-1.0/b.ko", random_bytes(40'000, 2));
  put(tree() / "usr/old-name", random_bytes(60'000, 3));
  put(tree() / "usr/same", random_bytes(500, 4));
  put(tree() / "usr/large", random_bytes(9'000'000, 5));
  put(tree() / "usr/empty", "");
  const auto old = commit("old");
  fs::rename(tree() / "lib/mod-1.0", tree() / "lib/mod-1.1");
  const auto grown = [&](const std::string& path, const std::string& more) {
    put(tree() / path, more + get(tree() / path));
  };
  grown("lib/mod-1.1/a.ko", "new");
  grown("lib/mod-1.1/b.ko", "new");
  fs::rename(tree() / "usr/old-name", tree() / "usr/quite-another");
  grown("usr/quite-another", "new");
  grown("usr/same", "new");
  grown("usr/large", random_bytes(700'000, 6));
  put(tree() / "usr/module", random_bytes(900'000, 7));
  put(tree() / "usr/archive", random_bytes(4'100'000, 8) + get(tree() / "usr/module"));
  fs::create_symlink("same", tree() / "usr/link");
  const auto fresh = commit("new");
  const auto made = plan(old, fresh);

  EXPECT_EQ(bases_of(made, "/lib/mod-1.1/a.ko"), (std::set{at(old, "/lib/mod-1.0/a.ko")}));
  EXPECT_EQ(bases_of(made, "/lib/mod-1.1/b.ko"), (std::set{at(old, "/lib/mod-1.0/b.ko")}));
  EXPECT_EQ(bases_of(made, "/usr/quite-another"), (std::set{at(old, "/usr/old-name")}))
      << "by its content alone";
  EXPECT_EQ(bases_of(made, "/usr/same"), (std::set{at(old, "/usr/same")}));
  EXPECT_EQ(bases_of(made, "/usr/large"), (std::set{at(old, "/usr/large")}));
  EXPECT_EQ(bases_of(made, "/usr/module"), std::set<Sha256>{});
  EXPECT_EQ(bases_of(made, "/usr/archive"), (std::set{at(fresh, "/usr/module")}))
      << "a new file that comes before it";
  EXPECT_EQ(made[0].object.kind, ObjectKind::commit);
  EXPECT_EQ(made[made.size() - 1].object.path, "/usr/large");
  EXPECT_EQ(made[made.size() - 2].object.path, "/usr/archive");
  for (const auto& planned : made)
    for (const auto& windows : planned.windows) {
      std::uint64_t prefix = 0;
      for (const auto& window : windows) prefix += window.length;
      EXPECT_LE(prefix, max_prefix_bytes);
    }
}

TEST_F(DeltaPlanTest, ThreadsDoNotMatterAndTheDeltaHasExactlyWhatIsNew) {
  put(tree() / "boot/vmlinuz", "kernel");
  put(tree() / "boot/initrd.img", "initrd");
  for (unsigned i = 0; i < 60; ++i)
    put(tree() / std::to_string(i % 7) / std::to_string(i), words(3000 + i, i));
  const auto old = commit("old");
  for (unsigned i = 0; i < 60; i += 3)
    put(tree() / std::to_string(i % 7) / std::to_string(i),
        words(3000 + i, i) + words(10, 100 + i));
  const auto fresh = commit("new");
  const auto alone = plan(old, fresh, 1);
  for (const unsigned threads : {2U, 5U}) {
    const auto made = plan(old, fresh, threads);
    ASSERT_EQ(made.size(), alone.size());
    for (std::size_t i = 0; i < made.size(); ++i) {
      EXPECT_EQ(made[i].object.name, alone[i].object.name);
      ASSERT_EQ(made[i].windows.size(), alone[i].windows.size());
      for (std::size_t piece = 0; piece < made[i].windows.size(); ++piece) {
        ASSERT_EQ(made[i].windows[piece].size(), alone[i].windows[piece].size());
        for (std::size_t w = 0; w < made[i].windows[piece].size(); ++w)
          EXPECT_EQ(made[i].windows[piece][w].base.name, alone[i].windows[piece][w].base.name);
      }
    }
  }
  std::set<std::pair<ObjectKind, Sha256>> had, expected, got;
  for (const auto& object : old.list()) had.insert({object.kind, object.name});
  for (const auto& object : fresh.list())
    if (had.count({object.kind, object.name}) == 0) expected.insert({object.kind, object.name});
  for (const auto& planned : alone) got.insert({planned.object.kind, planned.object.name});
  EXPECT_EQ(got, expected);
}

TEST_F(DeltaPlanTest, ContentsOfAnArchiveAreReadInParts) {
  put(tree() / "boot/vmlinuz", random_bytes(3'000'000, 1));
  put(tree() / "boot/initrd.img", "small");
  fs::create_symlink("small", tree() / "boot/link");
  const auto objects = commit("one");
  auto files = ArchiveFiles::open(repository()).value();
  const auto large = at(objects, "/boot/vmlinuz"), small = at(objects, "/boot/initrd.img");
  EXPECT_EQ(files.size(large).value(), 3'000'000u);
  EXPECT_EQ(files.size(at(objects, "/boot/link")).value(), 0u);
  const auto content = random_bytes(3'000'000, 1);
  for (const auto& [offset, length] : {std::pair<std::size_t, std::size_t>{0, 3'000'000},
                                       {0, 10},
                                       {2'999'990, 10},
                                       {1'000'000, 1'500'000}}) {
    std::string bytes = "before";
    ASSERT_TRUE(files.read(large, 3'000'000, offset, length, bytes));
    EXPECT_TRUE(bytes == "before" + content.substr(offset, length)) << offset;
  }
  std::string bytes;
  ASSERT_TRUE(files.read(small, 5, 1, 3, bytes));
  EXPECT_EQ(bytes, "mal");
  EXPECT_EQ(files.read(small, 4, 0, 4, bytes).error().code, Errc::corrupt) << "another size";
  EXPECT_EQ(files.read(large, 2'999'999, 1, 4, bytes).error().code, Errc::corrupt);
  EXPECT_EQ(files.read(large, 3'000'000, 2'999'999, 2, bytes).error().code, Errc::corrupt);
  EXPECT_EQ(files.read(sha256("none"), 5, 0, 5, bytes).error().code, Errc::corrupt);
  for (const auto& left : fs::directory_iterator(repository() + "/tmp"))
    EXPECT_EQ(left.path().filename().string().find("cube"), std::string::npos);
}

}  // namespace
}  // namespace cube
