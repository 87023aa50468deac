// Packs of what a real libostree committed.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "slots/ostree/commit_objects.h"
#include "slots/ostree/compose/compose.h"
#include "slots/pack/pack_file.h"
#include "slots/pack/pack_plan.h"
#include "tests/support/packs.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

class PackOstreeTest : public testing::Test {
 protected:
  void SetUp() override {
    put(tree() / "boot/vmlinuz", random_bytes(9'000'000, 1));
    put(tree() / "boot/initrd.img", words(500'000, 2));
    put(tree() / "etc/empty", "");
    put(tree() / "etc/also-empty", "");
    put(tree() / "usr/bin/tool", "tool");
    ::chmod((tree() / "usr/bin/tool").c_str(), 04755);
    for (unsigned i = 0; i < 100; ++i)
      put(tree() / ("usr/share/d" + std::to_string(i % 7)) / std::to_string(i),
          words(100 + 37 * i, i));
    fs::create_symlink("usr/bin", tree() / "bin");
    fs::create_directories(tree() / "srv/nothing");
    ::setxattr((tree() / "usr/bin/tool").c_str(), "user.note", "hello", 5, 0);
    first_ = commit("first");
  }
  [[nodiscard]] fs::path tree() const { return dir_.path() + "/tree"; }
  [[nodiscard]] std::string repository() const { return dir_.path() + "/repo"; }
  std::string commit(const std::string& ref) {
    auto objects = ArchiveRepository::create(repository()).value();
    const auto made = objects.commit_tree(tree(), {ref, 1'700'000'000, false});
    EXPECT_TRUE(made) << made.error().what;
    return made->commit;
  }
  WrittenPack pack(const CommitObjects& objects, const Fd& file) {
    auto writer = PackWriter::make(file, objects.list()[0].name, {3, 2, 64 * 1024}).value();
    for (const auto& object : objects.list()) {
      const auto read = objects.read(object, *writer);
      EXPECT_TRUE(read) << read.error().what;
    }
    auto made = writer->finish();
    EXPECT_TRUE(made) << made.error().what;
    return std::move(made).value();
  }

  ScratchDir dir_;
  std::string first_;
};

std::size_t objects_in(const fs::path& repository) {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(repository / "objects"))
    if (entry.is_regular_file() && entry.path().extension() != ".commitmeta") ++count;
  return count;
}

TEST_F(PackOstreeTest, HasEveryObjectOfTheCommitUnderItsName) {
  const auto objects = CommitObjects::open(repository(), first_);
  ASSERT_TRUE(objects) << objects.error().what;
  EXPECT_EQ(objects->list().size(), objects_in(repository()));
  const auto file = new_file(dir_.path() + "/full.pack");
  const auto made = pack(*objects, file);
  KeptObjects kept;
  const auto read = read_pack_objects(file, made.index, kept);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(kept.whole.size(), objects->list().size());
  EXPECT_LE(kept.largest_piece, max_chunk_bytes);
  for (const auto& entry : fs::recursive_directory_iterator(repository() + "/objects")) {
    if (!entry.is_regular_file()) continue;
    auto kind = entry.path().extension().string().substr(1);
    if (kind == "filez") kind = "file";
    const auto name = entry.path().parent_path().filename().string() + entry.path().stem().string();
    ASSERT_EQ(kept.whole.count(kind + " " + name), 1U) << entry.path();
    if (kind != "file") {
      EXPECT_EQ(kept.whole[kind + " " + name], get(entry.path()));
    }
  }
}

TEST_F(PackOstreeTest, AnUnchangedReleaseLacksNothingAndAChangedOneLittle) {
  const auto old = CommitObjects::open(repository(), first_).value();
  put(tree() / "usr/share/d3/3", "changed");
  const auto fresh = CommitObjects::open(repository(), commit("second")).value();
  const auto file = new_file(dir_.path() + "/full.pack");
  const auto made = pack(fresh, file);
  const auto wanted_besides = [&](const CommitObjects& have) {
    Wanted wanted(made.index.objects().size(), true);
    for (const auto& object : have.list())
      if (const auto found = made.index.find(object.kind, object.name)) wanted[*found] = false;
    return wanted;
  };
  EXPECT_TRUE(plan_ranges(made.index, wanted_besides(fresh), 0).empty());
  const auto wanted = wanted_besides(old);
  EXPECT_EQ(std::count(wanted.begin(), wanted.end(), true), 6)
      << "the commit, the dirtrees of /, /usr, /usr/share and /usr/share/d3, and the file";
  std::uint64_t bytes = 0;
  for (const auto& range : plan_ranges(made.index, wanted, 0)) bytes += range.length;
  EXPECT_LT(bytes, 64u * 1024 * 2);
}

TEST_F(PackOstreeTest, DamageInTheRepositoryIsNotPacked) {
  const auto objects = CommitObjects::open(repository(), first_).value();
  for (const std::string extension : {".dirtree", ".dirmeta", ".filez"}) {
    fs::path victim;
    for (const auto& entry : fs::recursive_directory_iterator(repository() + "/objects"))
      if (entry.path().extension() == extension) victim = entry.path();
    const auto good = get(victim);
    auto bad = good;
    bad[bad.size() - 1] = static_cast<char>(bad[bad.size() - 1] ^ 1);
    for (const auto& bytes : {bad, good.substr(0, good.size() / 2), std::string()}) {
      put(victim, bytes);
      KeptObjects kept;
      const auto file = new_file(dir_.path() + "/full.pack");
      auto writer = PackWriter::make(file, objects.list()[0].name, {1, 1, 1000}).value();
      Status status = ok();
      for (std::size_t i = 0; status && i < objects.list().size(); ++i)
        status = objects.read(objects.list()[i], *writer);
      ASSERT_FALSE(status) << victim << " of " << bytes.size() << " bytes";
      EXPECT_EQ(status.error().code, Errc::corrupt) << status.error().what;
    }
    put(victim, good);
  }
  EXPECT_EQ(CommitObjects::open(repository(), std::string(64, '0')).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace cube
