// config-diff over real repositories: two releases, what a machine changed, what would conflict.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "slots/ostree/compose/compose.h"
#include "slots/ostree/folder_slot.h"
#include "slots/ostree/ostree_slot_store.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

const ProgressSink quiet = [](const Progress&) {};

class EtcDiffTest : public testing::Test {
 protected:
  EtcDiffTest() {
    auto repository = ArchiveRepository::create(dir_.path() + "/source").value();
    fs::create_directories(dir_.path() + "/root/run/cube-update");
    fs::create_directory_symlink("/slots/a", dir_.path() + "/root/run/cube-update/root");
    for (const std::string slot : {"a", "b"}) {
      const fs::path tree = dir_.path() + "/tree-" + slot;
      const bool next = slot == "b";
      put(tree / "boot/vmlinuz", "kernel");
      put(tree / "boot/initrd.img", "initramfs");
      put(tree / "usr/bin/tool", "tool");
      put(tree / "etc/plain.conf", "plain");
      put(tree / "etc/moving.conf", next ? "new default" : "old default");
      put(tree / "etc/app/main.conf", "main");
      put(tree / "etc/app/extra.conf", next ? "new extra" : "extra");
      put(tree / "etc/passwd", std::string("root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/") +
                                   (next ? "false\n" : "sh\n"));
      const auto made = repository.commit_tree(tree, {slot, 1'700'000'000, false, {}}).value();
      Release release;
      release.name = ReleaseName::parse(next ? "CUBE_2.0.0_20260101-0000_abcd1234"
                                             : "CUBE_1.0.0_20250101-0000_abcd1234")
                         .value();
      release.commit = made.commit;
      release.manifest_sha256 = std::string(64, next ? 'b' : 'a');
      release.tree_bytes = made.tree_bytes;
      release.tree_inodes = made.tree_inodes;
      const std::string folder = dir_.path() + "/root/slots/" + slot;
      fs::create_directories(folder);
      EXPECT_TRUE(install_in_folder(RootDir::open(folder).value(), release,
                                    {"file://" + dir_.path() + "/source"}, quiet));
    }
    root_.emplace(RootDir::open(dir_.path() + "/root").value());
  }
  fs::path etc() const { return dir_.path() + "/root/slots/a/etc"; }
  // "added etc/x", with "!" where it conflicts and "=" where it is carried.
  std::vector<std::string> differences(bool pending = false) {
    OstreeSlotStore store(*root_, config_);
    const auto found = store.etc_differences(pending);
    EXPECT_TRUE(found) << found.error().what;
    std::vector<std::string> all;
    for (const auto& one : *found)
      all.push_back(std::string(to_string(one.change)) + " " + one.path +
                    (one.conflict ? "!" : "") + (one.carried ? "=" : ""));
    return all;
  }

  ScratchDir dir_;
  std::optional<RootDir> root_;
  SlotsConfig config_{"dir:slots/a", "dir:slots/b", {"etc/ssh"}, true, EtcSide::local};
};

TEST_F(EtcDiffTest, AFreshSlotIsAsItsReleaseBroughtIt) {
  EXPECT_EQ(differences(), std::vector<std::string>());
  EXPECT_EQ(differences(true), std::vector<std::string>());
}

TEST_F(EtcDiffTest, AddedChangedRemovedAndWhatGoesAlongAsItIs) {
  put(etc() / "plain.conf", "mine");
  put(etc() / "own.conf", "mine");
  put(etc() / "own.d/one.conf", "mine");
  put(etc() / "ssh/key", "mine");
  fs::remove(etc() / "app/main.conf");
  fs::remove(etc() / "moving.conf");
  fs::create_symlink("elsewhere", etc() / "moving.conf");
  EXPECT_EQ(differences(),
            (std::vector<std::string>{"removed etc/app/main.conf", "changed etc/moving.conf",
                                      "added etc/own.conf", "added etc/own.d/",
                                      "changed etc/plain.conf", "added etc/ssh/="}));
}

TEST_F(EtcDiffTest, ModesOfFilesAndFoldersCount) {
  if (::geteuid() != 0) GTEST_SKIP() << "owners and modes are root's";
  ASSERT_EQ(::chmod((etc() / "plain.conf").c_str(), 0600), 0);
  ASSERT_EQ(::chmod((etc() / "app").c_str(), 0700), 0);
  EXPECT_EQ(differences(),
            (std::vector<std::string>{"changed etc/app/", "changed etc/plain.conf"}));
}

TEST_F(EtcDiffTest, ConflictsAreThoseThatTheMergeWouldMeet) {
  put(etc() / "plain.conf", "mine");
  put(etc() / "moving.conf", "mine");
  put(etc() / "app/extra.conf", "new extra");  // the same as the new release's
  put(etc() / "passwd",
      "root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/bash\nme:x:9:9::/:/bin/sh\n");
  EXPECT_EQ(differences(true),
            (std::vector<std::string>{"changed etc/app/extra.conf", "changed etc/moving.conf!",
                                      "changed etc/passwd!", "changed etc/passwd:daemon!",
                                      "changed etc/plain.conf"}));
  put(etc() / "passwd",
      "root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/sh\nme:x:9:9::/:/bin/sh\n");
  const auto merged = differences(true);
  EXPECT_TRUE(std::count(merged.begin(), merged.end(), "changed etc/passwd") == 1)
      << "both sides' lines go together";
}

TEST_F(EtcDiffTest, WithoutASealNobodyKnows) {
  fs::remove(dir_.path() + "/root/slots/a/.cube/seal");
  OstreeSlotStore store(*root_, config_);
  EXPECT_EQ(store.etc_differences(false).error().code, Errc::not_found);
}

}  // namespace
}  // namespace cube
