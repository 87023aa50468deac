// Packs in a publisher's repository: what check_pack and verify_pack believe.
#include "release/packer.h"

#include <gtest/gtest.h>

#include "release/composer.h"
#include "release/delta_plan.h"
#include "slots/ostree/commit_objects.h"
#include "slots/ostree/compose/archive_files.h"
#include "slots/pack/pack_file.h"
#include "tests/support/delta_packs.h"
#include "tests/support/fixed_clock.h"
#include "tests/support/packs.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

const ProgressSink quiet = [](const Progress&) {};

class PackerTest : public testing::Test {
 protected:
  void SetUp() override {
    InitOptions options;
    options.settings.product = "CUBE";
    const auto now = FixedClock("2026-08-01T00:00:00Z").now();
    publisher_.emplace(Publisher::init(scratch_.path() + "/r", options, now).value());
    const std::string tree = scratch_.path() + "/tree";
    for (const std::string file : {"boot/vmlinuz", "boot/initrd.img", "etc/os-release"})
      put(tree + "/" + file, "content of " + file);
    put(tree + "/usr/bin/large", words(200'000, 1));
    ComposeRequest request;
    request.tree = tree;
    request.version = "1.0";
    request.built = "20260101-0000";
    auto composed = compose_release(*publisher_, request, now);
    ASSERT_TRUE(composed) << composed.error().what;
    auto packed = publisher_->pack(composed->name.text, PackRequest{}, quiet);
    ASSERT_TRUE(packed) << packed.error().what;
    release_ = packed->release;
  }

  [[nodiscard]] const RootDir& folder() const { return publisher_->repository().folder(); }

  // Puts a pack of these objects, which is right in itself, in the place of the release's.
  Release with_pack_of(const std::vector<TestObject>& objects) {
    const std::string path = scratch_.path() + "/other.pack";
    const auto file = new_file(path);
    const auto written = write_pack(file, objects).value();
    const auto bytes = get(path);
    Release other = release_;
    other.packs = {{"full.pack", bytes.size(), to_hex(sha256(bytes)), written.place.offset,
                    written.place.length, to_hex(written.index_sha256)}};
    put(folder().join(pack_path(other.name.text, other.packs[0])), bytes);
    return other;
  }
  std::vector<TestObject> objects() {
    const auto list =
        CommitObjects::open(publisher_->repository().object_path(), release_.commit).value();
    std::vector<TestObject> all;
    for (const auto& object : list.list()) {
      KeptObjects kept;
      EXPECT_TRUE(list.read(object, kept));
      all.push_back({object.kind, kept.whole.begin()->second});
    }
    return all;
  }

  ScratchDir scratch_;
  std::optional<Publisher> publisher_;
  Release release_;
};

TEST_F(PackerTest, OnlyAPackOfExactlyTheCommitsObjectsIsVerified) {
  EXPECT_TRUE(verify_pack(folder(), release_, release_.packs[0]));
  const auto all = objects();
  const auto same = with_pack_of(all);
  EXPECT_TRUE(verify_pack(folder(), same, same.packs[0]));
  for (std::size_t i = 1; i < all.size(); ++i) {
    auto fewer = all;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    const auto lacking = with_pack_of(fewer);
    const auto status = verify_pack(folder(), lacking, lacking.packs[0]);
    ASSERT_FALSE(status) << describe(all[i].kind, sha256(all[i].bytes));
    EXPECT_EQ(status.error().code, Errc::corrupt);
    EXPECT_NE(status.error().what.find("lacks " + describe(all[i].kind, sha256(all[i].bytes))),
              std::string::npos);
  }
  auto more = all;
  more.push_back({ObjectKind::file, "what no tree has"});
  const auto extra = with_pack_of(more);
  EXPECT_EQ(verify_pack(folder(), extra, extra.packs[0]).error().code, Errc::corrupt);
}

TEST_F(PackerTest, APackOfAnotherCommitIsNotPublished) {
  const auto other = with_pack_of({{ObjectKind::commit, "another"}, {ObjectKind::file, "f"}});
  EXPECT_EQ(check_pack(folder(), other, other.packs[0]).error().code, Errc::corrupt);
  EXPECT_EQ(verify_pack(folder(), other, other.packs[0]).error().code, Errc::corrupt);
}

TEST_F(PackerTest, AnotherDigestOfTheFileIsNoticedThoughAllElseIsRight) {
  auto pack = release_.packs[0];
  const auto good = folder().join(pack_path(release_.name.text, pack));
  pack.sha256 = std::string(64, 'a');
  fs::copy_file(good, folder().join(pack_path(release_.name.text, pack)));
  EXPECT_EQ(check_pack(folder(), release_, pack).error().code, Errc::corrupt);
}

// Deltas from a release whose tree has one file less.
class DeltaPackerTest : public PackerTest {
 protected:
  void SetUp() override {
    PackerTest::SetUp();
    ASSERT_TRUE(publisher_->publish(now()));
    older_ = release_;
    put(scratch_.path() + "/tree/usr/bin/large", "new" + words(200'000, 1));
    ComposeRequest request;
    request.tree = scratch_.path() + "/tree";
    request.version = "1.1";
    request.built = "20260102-0000";
    auto composed = compose_release(*publisher_, request, now());
    ASSERT_TRUE(composed) << composed.error().what;
    auto packed = publisher_->pack(composed->name.text, PackRequest{}, quiet);
    ASSERT_TRUE(packed) << packed.error().what;
    release_ = packed->release;
    ASSERT_EQ(release_.packs.size(), 2u);
  }
  [[nodiscard]] static UnixSeconds now() { return FixedClock("2026-08-01T00:00:00Z").now(); }

  [[nodiscard]] static Sha256 parsed(const std::string& commit) {
    const auto bytes = from_hex(commit).value();
    Sha256 name{};
    std::transform(bytes.begin(), bytes.end(), name.begin(),
                   [](char c) { return static_cast<std::uint8_t>(c); });
    return name;
  }
  // What the delta has, with all that it is made of.
  std::vector<DeltaObject> contents() {
    const auto objects_path = publisher_->repository().object_path();
    const auto from = CommitObjects::open(objects_path, older_.commit).value();
    const auto to = CommitObjects::open(objects_path, release_.commit).value();
    const auto plan = plan_delta(objects_path, from, to, 1, quiet).value();
    std::vector<DeltaObject> all;
    for (const auto& planned : plan) {
      KeptObjects kept;
      EXPECT_TRUE(to.read(planned.object, kept));
      all.push_back({{planned.object.kind, kept.whole.begin()->second}, planned.windows});
    }
    return all;
  }
  // Puts a delta of these objects, which is right in itself, in the place of the release's.
  Status verify_with(const std::vector<DeltaObject>& objects, BaseObjects& bases,
                     const std::string& from) {
    const std::string path = scratch_.path() + "/other.pack";
    const auto file = new_file(path);
    CUBE_TRY(const auto written, write_delta(file, objects, bases, {9, 1, 1000}, parsed(from)));
    const auto bytes = get(path);
    const Pack pack{"from-x.pack",         bytes.size(),         to_hex(sha256(bytes)),
                    written.place.offset,  written.place.length, to_hex(written.index_sha256),
                    release_.packs[1].from};
    put(folder().join(pack_path(release_.name.text, pack)), bytes);
    return verify_pack(folder(), release_, pack);
  }

  Release older_;
};

TEST_F(DeltaPackerTest, OnlyADeltaOfExactlyWhatTheOlderReleaseLacksIsVerified) {
  EXPECT_TRUE(verify_pack(folder(), release_, release_.packs[1]));
  EXPECT_LT(release_.packs[1].length, 3000u);
  auto bases = ArchiveFiles::open(publisher_->repository().object_path()).value();
  const auto all = contents();
  const auto right = verify_with(all, bases, older_.commit);
  EXPECT_TRUE(right) << right.error().what;
  for (std::size_t i = 1; i < all.size(); ++i) {
    auto fewer = all;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    const auto lacking = verify_with(fewer, bases, older_.commit);
    ASSERT_FALSE(lacking) << i;
    EXPECT_EQ(lacking.error().code, Errc::corrupt);
    EXPECT_NE(lacking.error().what.find("lacks"), std::string::npos) << lacking.error().what;
  }
  auto more = all;
  more.push_back({{ObjectKind::file, "what no tree has"}});
  EXPECT_EQ(verify_with(more, bases, older_.commit).error().code, Errc::corrupt);
}

TEST_F(DeltaPackerTest, ADeltaFromAnotherCommitOrOfOtherBasesIsRefused) {
  auto bases = ArchiveFiles::open(publisher_->repository().object_path()).value();
  const auto all = contents();
  const auto another = verify_with(all, bases, std::string(64, '7'));
  ASSERT_FALSE(another);
  EXPECT_NE(another.error().what.find("not from the commit"), std::string::npos);
  // A base that the repository has, but neither the older release nor the delta before its use.
  auto foreign = all;
  KeptBases others;
  for (auto& one : foreign) one.windows.clear();
  foreign.back().windows = {{all_of(others.keep(foreign.back().object.bytes))}};
  const auto refused = verify_with(foreign, others, older_.commit);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::corrupt);
  EXPECT_NE(refused.error().what.find("the older commit does not have"), std::string::npos);
}

// The older release may be gone from the object store; then the file alone can be checked.
TEST_F(DeltaPackerTest, WithoutTheOlderCommitTheFileIsChecked) {
  const auto& pack = release_.packs[1];
  fs::remove(folder().join("repo/objects/" + older_.commit.substr(0, 2) + "/" +
                           older_.commit.substr(2) + ".commit"));
  EXPECT_TRUE(verify_pack(folder(), release_, pack));
  const auto path = folder().join(pack_path(release_.name.text, pack));
  auto bytes = get(path);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  put(path, bytes);
  EXPECT_EQ(verify_pack(folder(), release_, pack).error().code, Errc::corrupt);
}

TEST_F(DeltaPackerTest, DamageInTheOlderReleaseIsNotPacked) {
  for (const auto& entry : fs::recursive_directory_iterator(folder().join("repo/objects")))
    if (entry.path().extension() == ".filez" && entry.file_size() > 10'000)
      put(entry.path(), get(entry.path()).substr(0, 5000));
  PackRequest request;
  const auto packed = publisher_->pack(release_.name.text, request, quiet);
  ASSERT_FALSE(packed);
  EXPECT_EQ(packed.error().code, Errc::corrupt);
  EXPECT_NE(packed.error().what.find("restore it from your copy"), std::string::npos);
}

TEST_F(PackerTest, TheReportAddsUp) {
  const auto made = publisher_->pack(release_.name.text, PackRequest{}, quiet).value();
  const auto& packed = made.files.at(0);
  std::uint64_t raw = 0;
  for (const auto& folder : packed.folders)
    if (folder.path.empty() || folder.path == "/") raw += folder.raw;
  EXPECT_EQ(raw, packed.raw);
  EXPECT_EQ(packed.folders.front().path, "");
  const auto usr = std::find_if(packed.folders.begin(), packed.folders.end(),
                                [](const FolderSize& folder) { return folder.path == "/usr/bin"; });
  ASSERT_NE(usr, packed.folders.end());
  EXPECT_EQ(usr->files, 1u);
  EXPECT_GT(usr->raw, 200'000u);
  EXPECT_LT(usr->stored, usr->raw);
}

}  // namespace
}  // namespace cube
