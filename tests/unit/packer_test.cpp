// Packs in a publisher's repository: what check_pack and verify_pack believe.
#include "release/packer.h"

#include <gtest/gtest.h>

#include "release/composer.h"
#include "slots/ostree/commit_objects.h"
#include "slots/pack/pack_file.h"
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
