// What a machine changed in /etc, over real repositories: two releases, a running slot, a new one.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "slots/merged_paths.h"
#include "slots/ostree/compose/compose.h"
#include "slots/ostree/folder_slot.h"
#include "slots/ostree/ostree_slot_store.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<std::string>;

const ProgressSink quiet = [](const Progress&) {};

class EtcMergeTest : public testing::Test {
 protected:
  // Both releases, but for what `differ` says.
  void releases(const std::function<void(const fs::path& old, const fs::path& next)>& differ) {
    auto repository = ArchiveRepository::create(dir_.path() + "/source").value();
    const fs::path old_tree = dir_.path() + "/old", new_tree = dir_.path() + "/new";
    for (const auto& tree : {old_tree, new_tree}) {
      put(tree / "boot/vmlinuz", "kernel");
      put(tree / "boot/initrd.img", "initramfs");
      put(tree / "usr/bin/tool", "tool");
      put(tree / "etc/plain.conf", "as the release has it");
      put(tree / "etc/app/main.conf", "as the release has it");
      put(tree / "etc/app/extra.conf", "as the release has it");
      put(tree / "etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    }
    differ(old_tree / "etc", new_tree / "etc");
    const auto compose = [&](const fs::path& tree, const std::string& version) {
      const auto made = repository.commit_tree(tree, {version, 1'700'000'000, false, {}}).value();
      Release release;
      release.name = ReleaseName::parse("CUBE_" + version + "_20260101-0000_abcd1234").value();
      release.commit = made.commit;
      release.manifest_sha256 = std::string(63, 'a') + version[0];
      release.tree_bytes = made.tree_bytes;
      release.tree_inodes = made.tree_inodes;
      return release;
    };
    const auto old = compose(old_tree, "1.0.0");
    next_ = compose(new_tree, "2.0.0");
    fs::create_directories(dir_.path() + "/root/run/cube-update");
    fs::create_directory_symlink("/slots/a", dir_.path() + "/root/run/cube-update/root");
    fs::create_directories(dir_.path() + "/root/slots/a");
    fs::create_directories(dir_.path() + "/root/slots/b");
    root_.emplace(RootDir::open(dir_.path() + "/root").value());
    ASSERT_TRUE(install_in_folder(root_->below("slots/a").value(), old, source(), quiet));
  }
  void same_releases() {
    releases([](const fs::path&, const fs::path& next) { put(next / "../usr/bin/tool", "newer"); });
  }

  ObjectSource source() const { return {"file://" + dir_.path() + "/source"}; }
  fs::path a() const { return dir_.path() + "/root/slots/a/etc"; }
  fs::path b() const { return dir_.path() + "/root/slots/b/etc"; }

  // Fills, verifies and seals slot b; what the merge says.
  MergedPaths update() {
    OstreeSlotStore store(*root_, config_);
    EXPECT_TRUE(store.unseal(SlotId::b));
    for (const auto& status :
         {store.fill(SlotId::b, next_, source(), quiet), store.verify(SlotId::b, next_, quiet),
          store.seal(SlotId::b, next_, 1)})
      EXPECT_TRUE(status) << status.error().what;
    return merged();
  }
  MergedPaths again() {
    OstreeSlotStore store(*root_, config_);
    for (const auto& status :
         {store.carry_over(SlotId::b, next_), store.verify(SlotId::b, next_, quiet)})
      EXPECT_TRUE(status) << status.error().what;
    return merged();
  }
  MergedPaths merged() { return read_merged_paths(root_->below("slots/b").value()).value(); }

  ScratchDir dir_;
  std::optional<RootDir> root_;
  SlotsConfig config_{"dir:slots/a", "dir:slots/b", {"etc/machine-id"}};
  Release next_;
};

TEST_F(EtcMergeTest, WhatTheMachineChangedGoesAlong) {
  same_releases();
  put(a() / "plain.conf", "changed here");
  put(a() / "app/own.conf", "added here");
  put(a() / "own.d/deep/x.conf", "added here");
  fs::create_symlink("plain.conf", a() / "link");
  fs::remove(a() / "app/extra.conf");
  const auto merged = update();
  EXPECT_EQ(get(b() / "plain.conf"), "changed here");
  EXPECT_EQ(get(b() / "app/own.conf"), "added here");
  EXPECT_EQ(get(b() / "own.d/deep/x.conf"), "added here");
  EXPECT_EQ(fs::read_symlink(b() / "link"), "plain.conf");
  EXPECT_FALSE(fs::exists(b() / "app/extra.conf")) << "removed here";
  EXPECT_EQ(get(b() / "app/main.conf"), "as the release has it");
  EXPECT_EQ(merged.local, (Paths{"etc/app/extra.conf", "etc/app/own.conf", "etc/link", "etc/own.d",
                                 "etc/plain.conf"}));
  EXPECT_TRUE(merged.conflicts.empty());
}

TEST_F(EtcMergeTest, WhatTheReleaseChangedComes) {
  releases([](const fs::path& old, const fs::path& next) {
    put(next / "plain.conf", "newer");
    put(next / "brought.conf", "new in it");
    put(next / "new.d/x.conf", "new in it");
    fs::remove(next / "app/extra.conf");
    put(old / "dropped.d/x.conf", "no longer");
  });
  EXPECT_EQ(update(), MergedPaths{});
  EXPECT_EQ(get(b() / "plain.conf"), "newer");
  EXPECT_EQ(get(b() / "brought.conf"), "new in it");
  EXPECT_EQ(get(b() / "new.d/x.conf"), "new in it");
  EXPECT_FALSE(fs::exists(b() / "app/extra.conf"));
  EXPECT_FALSE(fs::exists(b() / "dropped.d"));
}

TEST_F(EtcMergeTest, WhereBothChangedTheMachineWinsAndItIsTold) {
  const auto both = [](const fs::path& old, const fs::path& next) {
    put(next / "plain.conf", "newer");
    put(next / "app/extra.conf", "newer");
    put(next / "agreed.conf", "the same");
    put(old / "dropped.d/x.conf", "old");
    put(old / "dropped.d/y.conf", "old");
  };
  releases(both);
  put(a() / "plain.conf", "changed here");
  fs::remove(a() / "app/extra.conf");
  put(a() / "agreed.conf", "the same");
  put(a() / "dropped.d/x.conf", "changed here");
  const auto merged = update();
  EXPECT_EQ(get(b() / "plain.conf"), "changed here");
  EXPECT_FALSE(fs::exists(b() / "app/extra.conf"));
  EXPECT_EQ(get(b() / "dropped.d/x.conf"), "changed here");
  EXPECT_FALSE(fs::exists(b() / "dropped.d/y.conf"));
  EXPECT_EQ(merged.conflicts,
            (Paths{"etc/app/extra.conf", "etc/dropped.d/x.conf", "etc/plain.conf"}));
  config_.etc_conflicts = EtcSide::release;
  EXPECT_EQ(update().conflicts, merged.conflicts);
  EXPECT_EQ(get(b() / "plain.conf"), "newer");
  EXPECT_EQ(get(b() / "app/extra.conf"), "newer");
  EXPECT_FALSE(fs::exists(b() / "dropped.d"));
}

TEST_F(EtcMergeTest, AccountsAreMergedLineByLine) {
  releases([](const fs::path&, const fs::path& next) {
    put(next / "passwd", "root:x:0:0::/root:/bin/sh\nchrony:x:99:99::/:/sbin/nologin\n");
  });
  put(a() / "passwd", "root:x:0:0::/root:/bin/bash\nadmin:x:1000:1000::/home/admin:/bin/bash\n");
  ::chmod((a() / "passwd").c_str(), 0640);
  const auto merged = update();
  EXPECT_EQ(get(b() / "passwd"),
            "root:x:0:0::/root:/bin/bash\nadmin:x:1000:1000::/home/admin:/bin/bash\n"
            "chrony:x:99:99::/:/sbin/nologin\n");
  EXPECT_EQ(fs::status(b() / "passwd").permissions(), fs::perms(0640));
  EXPECT_TRUE(merged.conflicts.empty());
}

TEST_F(EtcMergeTest, AgainBeforeTheRestart) {
  releases([](const fs::path&, const fs::path& next) { put(next / "plain.conf", "newer"); });
  put(a() / "app/main.conf", "changed here");
  put(a() / "own.d/x.conf", "added here");
  update();
  put(a() / "app/extra.conf", "changed later");
  put(a() / "app/main.conf", "as the release has it");  // taken back
  fs::remove_all(a() / "own.d");
  put(a() / "later.conf", "added later");
  const auto merged = again();
  EXPECT_EQ(get(b() / "app/extra.conf"), "changed later");
  EXPECT_EQ(get(b() / "app/main.conf"), "as the release has it");
  EXPECT_FALSE(fs::exists(b() / "own.d"));
  EXPECT_EQ(get(b() / "later.conf"), "added later");
  EXPECT_EQ(get(b() / "plain.conf"), "newer");
  EXPECT_EQ(merged.local, (Paths{"etc/app/extra.conf", "etc/later.conf"}));
  EXPECT_EQ(again(), merged) << "and again";
}

TEST_F(EtcMergeTest, WhatIsCarriedOverIsNoMatterOfTheMerge) {
  same_releases();
  put(a() / "machine-id", "0123\n");
  EXPECT_EQ(update(), MergedPaths{});
  EXPECT_EQ(get(b() / "machine-id"), "0123\n");
}

TEST_F(EtcMergeTest, SwitchedOffOnlyThePathsGoAlong) {
  same_releases();
  put(a() / "plain.conf", "changed here");
  config_.merge_etc = false;
  EXPECT_EQ(update(), MergedPaths{});
  EXPECT_EQ(get(b() / "plain.conf"), "as the release has it");
}

TEST_F(EtcMergeTest, ADamagedRunningSlotKeepsWhatItHas) {
  releases([](const fs::path&, const fs::path& next) { put(next / "plain.conf", "newer"); });
  put(a() / "app/main.conf", "changed here");
  for (const auto& entry : fs::recursive_directory_iterator(a() / "../ostree/repo/objects"))
    if (entry.path().extension() == ".file" && get(entry.path()) == "as the release has it")
      fs::remove(entry.path());
  const auto merged = update();
  EXPECT_EQ(get(b() / "app/main.conf"), "changed here");
  EXPECT_EQ(get(b() / "plain.conf"), "as the release has it")
      << "changed here, as far as one knows";
  EXPECT_EQ(merged.conflicts, Paths{"etc/plain.conf"});
}

TEST_F(EtcMergeTest, WithoutTheOldReleaseOnlyThePathsGoAlong) {
  same_releases();
  put(a() / "plain.conf", "changed here");
  put(a() / "machine-id", "0123\n");
  fs::remove_all(a() / "../ostree");
  EXPECT_EQ(update(), MergedPaths{});
  EXPECT_EQ(get(b() / "plain.conf"), "as the release has it");
  EXPECT_EQ(get(b() / "machine-id"), "0123\n");
}

TEST_F(EtcMergeTest, FilesAndFoldersThatTookEachOthersPlace) {
  same_releases();
  fs::remove(a() / "plain.conf");
  put(a() / "plain.conf/x", "a folder now");
  fs::remove_all(a() / "app");
  put(a() / "app", "a file now");
  const auto merged = update();
  EXPECT_EQ(get(b() / "plain.conf/x"), "a folder now");
  EXPECT_EQ(get(b() / "app"), "a file now");
  EXPECT_EQ(merged.local, (Paths{"etc/app", "etc/plain.conf"}));
  fs::remove_all(a() / "plain.conf");
  put(a() / "plain.conf", "as the release has it");
  fs::remove(a() / "app");
  put(a() / "app/main.conf", "as the release has it");
  put(a() / "app/extra.conf", "as the release has it");
  again();
  EXPECT_EQ(get(b() / "plain.conf"), "as the release has it");
  EXPECT_EQ(get(b() / "app/main.conf"), "as the release has it");
}

TEST_F(EtcMergeTest, OwnerModeAndAttributes) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has them";
  same_releases();
  ::chmod((a() / "plain.conf").c_str(), 0600);
  ::chmod((a() / "app").c_str(), 0700);
  ASSERT_EQ(::chown((a() / "app").c_str(), 7, 8), 0);
  put(a() / "own.conf", "added here");
  const bool has_attributes = ::setxattr((a() / "own.conf").c_str(), "user.label", "x", 1, 0) == 0;
  const auto merged = update();
  struct stat st {};
  ASSERT_EQ(::stat((b() / "app").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0700U);
  EXPECT_EQ(st.st_uid, 7U);
  EXPECT_EQ(fs::status(b() / "plain.conf").permissions(), fs::perms(0600));
  char value = 0;
  if (has_attributes) {
    EXPECT_EQ(::getxattr((b() / "own.conf").c_str(), "user.label", &value, 1), 1);
  }
  EXPECT_EQ(merged.local, (Paths{"etc/app/.", "etc/own.conf", "etc/plain.conf"}));
}

TEST_F(EtcMergeTest, WhatNobodyChoseIsStillFound) {
  same_releases();
  put(a() / "plain.conf", "changed here");
  update();
  OstreeSlotStore store(*root_, config_);
  put(b() / "app/main.conf", "changed by nobody");
  EXPECT_EQ(store.verify(SlotId::b, next_, quiet).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace cube
