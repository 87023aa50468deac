// The staging folder: what it keeps, what it gives up, and how much it may hold.
#include <gtest/gtest.h>

#include <filesystem>

#include "agent/staging_area.h"
#include "slots/staging.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"
#include "tests/support/verified_release.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

constexpr const char* folder = "var/lib/cube-update/staging";

class Staging : public testing::Test {
 protected:
  [[nodiscard]] fs::path at(const std::string& name) const {
    return fs::path(dir_.path()) / folder / name;
  }
  void keep(const Release& release) {
    ASSERT_TRUE(area_.keep_manifest(release, manifest_of(release.name.text)));
    put(dir_.path() + "/" + area_.objects_of(release) + "/one", "bytes");
  }

  ScratchDir dir_;
  RootDir root_ = dir_.root();
  StagingArea area_{root_, folder};
  const Release& older_ = old_release().get();
  const Release& newer_ = new_release().get();
};

TEST_F(Staging, GivesTheManifestBackAsItWas) {
  EXPECT_EQ(area_.manifest_of(newer_).error().code, Errc::not_found);
  keep(newer_);
  EXPECT_EQ(area_.manifest_of(newer_).value(), manifest_of(newer_.name.text));
  EXPECT_EQ(area_.manifest_of(older_).error().code, Errc::not_found);
}

TEST_F(Staging, NoticesAManifestThatIsAnother) {
  EXPECT_EQ(area_.keep_manifest(newer_, manifest_of(older_.name.text)).error().code, Errc::corrupt);
  keep(newer_);
  put(at(newer_.manifest_sha256 + "/manifest.json"), manifest_of(older_.name.text));
  EXPECT_EQ(area_.manifest_of(newer_).error().code, Errc::corrupt);
  Release without = newer_;
  without.manifest_sha256 = "../../../etc";
  EXPECT_EQ(area_.manifest_of(without).error().code, Errc::corrupt);
}

TEST_F(Staging, ClearsAwayWhatBelongsToOtherReleasesAndNothingElse) {
  ASSERT_TRUE(area_.drop_all_but(nullptr)) << "no folder, nothing to do";
  keep(older_);
  keep(newer_);
  put(at("notes/by-hand"), "mine");
  put(at("readme"), "mine");
  ASSERT_TRUE(area_.drop_all_but(&newer_));
  EXPECT_FALSE(fs::exists(at(older_.manifest_sha256)));
  EXPECT_TRUE(fs::exists(at(newer_.manifest_sha256 + "/objects/one")));
  ASSERT_TRUE(area_.drop_all_but(nullptr));
  EXPECT_FALSE(fs::exists(at(newer_.manifest_sha256)));
  EXPECT_TRUE(fs::exists(at("notes/by-hand"))) << "names that are no digests are not ours";
  EXPECT_TRUE(fs::exists(at("readme")));
}

TEST_F(Staging, AnythingBelowTheRootStaysThere) {
  const ScratchDir outside;
  put(outside.path() + "/" + older_.manifest_sha256 + "/precious", "kept");
  fs::create_directories(at("").parent_path().parent_path());
  fs::create_directory_symlink(outside.path(), fs::path(dir_.path()) / folder);
  ASSERT_TRUE(area_.drop_all_but(nullptr)) << "a link out of the root leads nowhere";
  EXPECT_TRUE(fs::exists(outside.path() + "/" + older_.manifest_sha256 + "/precious"));
}

TEST_F(Staging, TheAmountIsRefusedBeforeTheFirstByteWithTheFigures) {
  ObjectSource source;
  source.staging = area_.objects_of(newer_);
  source.staging_max = 100 * 1024 * 1024;
  EXPECT_TRUE(check_staging(root_, source, source.staging_max, 0)) << "the folder may be missing";
  const auto too_much = check_staging(root_, source, source.staging_max + 1, 1);
  ASSERT_FALSE(too_much);
  EXPECT_EQ(too_much.error().code, Errc::no_space);
  for (const char* word : {"101 MiB", "100 MiB", "source.staging-max"})
    EXPECT_NE(too_much.error().what.find(word), std::string::npos) << too_much.error().what;
  source.staging_max = 0;
  const std::uint64_t exbibyte = 1ULL << 60U;
  const auto no_disk = check_staging(root_, source, exbibyte, exbibyte);
  ASSERT_FALSE(no_disk);
  EXPECT_EQ(no_disk.error().code, Errc::no_space);
  EXPECT_NE(no_disk.error().what.find("free"), std::string::npos) << no_disk.error().what;
  EXPECT_TRUE(check_staging(root_, source, exbibyte, 0)) << "all of it is there already";
  EXPECT_FALSE(fs::exists(at(newer_.manifest_sha256)));
}

}  // namespace
}  // namespace cube
