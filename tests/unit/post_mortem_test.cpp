#include <gtest/gtest.h>

#include <fstream>

#include "boot/postmortem/pstore_post_mortem.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

constexpr const char* panic_log =
    "Panic#1 Part1\n<4>[    1.2] List of all partitions:\n"
    "<0>[    1.3] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n"
    "<4>[    1.3] CPU: 0 PID: 1 Comm: swapper/0\n";

class PostMortemTest : public testing::Test {
 protected:
  void record(const std::string& name, const std::string& content) {
    ASSERT_TRUE(root_.make_dirs("sys/fs/pstore"));
    std::ofstream(dir_.path() + "/sys/fs/pstore/" + name, std::ios::binary) << content;
  }
  Evidence look() { return post_mortem_.look().value(); }

  ScratchDir dir_;
  RootDir root_ = dir_.root();
  PstorePostMortem post_mortem_{root_, "state"};
};

TEST_F(PostMortemTest, NoStoreNoEvidence) { EXPECT_EQ(look().cause, Cause::none); }

TEST_F(PostMortemTest, ThePanicLineIsFound) {
  record("dmesg-erst-1", panic_log);
  EXPECT_EQ(look().cause, Cause::panic);
  EXPECT_EQ(look().detail,
            "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)");
}

TEST_F(PostMortemTest, WhatTheInitramfsSaidTellsMore) {
  record("dmesg-erst-1", panic_log);
  record("dmesg-erst-2", "<2>[ 9.0] cube-update: initramfs: root not found: LABEL=cube-b\n"
                         "<0>[ 9.1] Kernel panic - not syncing: sysrq triggered crash\n");
  EXPECT_EQ(look().cause, Cause::breadcrumb);
  EXPECT_EQ(look().detail, "root not found: LABEL=cube-b");
}

TEST_F(PostMortemTest, OtherRecordsAreNoDeath) {
  record("console-ramoops-0", panic_log);
  record("dmesg-erst-1", "<6>[ 1.0] all is well\n");
  EXPECT_EQ(look().cause, Cause::none);
}

TEST_F(PostMortemTest, HostileBytesAreNeutralised) {
  record("dmesg-erst-1", "Kernel panic - not syncing: \x1b[2J\x07" + std::string(5000, 'x'));
  EXPECT_EQ(look().detail.find('\x1b'), std::string::npos);
  EXPECT_LE(look().detail.size(), max_detail);
}

TEST_F(PostMortemTest, UnreadableRecordsStillProveADeath) {
  record("dmesg-efi-1.enc.z", std::string(100, '\x9c'));
  EXPECT_EQ(look().cause, Cause::panic);
  record("dmesg-erst-2", std::string(300 * 1024, 'x'));
  EXPECT_EQ(look().cause, Cause::panic);
}

TEST_F(PostMortemTest, ThePartsOfADeathAreReadInOrder) {
  record("dmesg-efi-1", "Panic#1 Part1\n<0>[ 9.1] Kernel panic - not syncing: Attempted to kill init! "
                        "exitcode=0x00000100\n");
  record("dmesg-efi-2", "Panic#1 Part2\n<5>[ 0.0] Linux version 6.1.7 (a)\n<2>[ 9.0] cube-update: "
                        "initramfs: mount failed: LABEL=cube-b\n");
  EXPECT_EQ(look().cause, Cause::breadcrumb);
  EXPECT_EQ(look().detail, "mount failed: LABEL=cube-b (kernel 6.1.7)");
}

TEST_F(PostMortemTest, KeepMovesAndIsRepeatable) {
  record("dmesg-erst-1", panic_log);
  ASSERT_TRUE(post_mortem_.keep(7));
  ASSERT_TRUE(post_mortem_.keep(7));
  EXPECT_EQ(root_.read_file("state/post-mortem/7/dmesg-erst-1", 10000).value(), panic_log);
  EXPECT_EQ(look().cause, Cause::none) << "told once, then erased";
}

TEST_F(PostMortemTest, TheKernelThatDiedIsNamed) {
  record("dmesg-erst-1", std::string(panic_log) + "<4>[ 1.4] Comm: init Tainted: G           OE   "
                         "-------  ---  5.14.0-373.el9.x86_64 #1\n");
  EXPECT_EQ(look().detail,
            "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0) "
            "(kernel 5.14.0-373.el9.x86_64)");
}

TEST_F(PostMortemTest, AnOrderlyRestartIsNoDeath) {
  record("dmesg-erst-1", "Restart#1 Part1\n<4>[ 9.9] BUG: seen long before, and survived\n");
  EXPECT_EQ(look().cause, Cause::none);
}

TEST_F(PostMortemTest, ASecondDeathUnderTheSameNameIsKeptToo) {
  record("dmesg-ramoops-0", panic_log);
  ASSERT_TRUE(post_mortem_.keep(7));
  record("dmesg-ramoops-0", "BUG: another\n");
  ASSERT_TRUE(post_mortem_.keep(7));
  EXPECT_EQ(root_.read_file("state/post-mortem/7/dmesg-ramoops-0", 10000).value(), panic_log);
  EXPECT_EQ(root_.read_file("state/post-mortem/7/dmesg-ramoops-0.2", 100).value(), "BUG: another\n");
}

TEST_F(PostMortemTest, AHugeRecordIsCutAndTheStoreAlwaysEmptied) {
  record("dmesg-erst-0", panic_log + std::string(400'000, 'y'));
  EXPECT_EQ(look().detail.substr(0, 12), "Kernel panic");
  for (int i = 1000; i < 1150; ++i)
    record("dmesg-erst-" + std::to_string(i), std::string(20'000, 'x'));
  ASSERT_TRUE(post_mortem_.keep(3));
  EXPECT_TRUE(root_.list("sys/fs/pstore").value().empty()) << "a full store swallows the next death";
  EXPECT_EQ(root_.stat("state/post-mortem/3/dmesg-erst-0").value().st_size, 256 * 1024);
  std::size_t bytes = 0;
  const auto kept = root_.list("state/post-mortem/3").value();
  for (const auto& name : kept)
    bytes += static_cast<std::size_t>(root_.stat("state/post-mortem/3/" + name).value().st_size);
  EXPECT_GT(bytes, 900U * 1024);
  EXPECT_LE(bytes, 1024U * 1024);
}

TEST_F(PostMortemTest, TheNewestDeathFindsRoomAmongTheEarlier) {
  for (int round = 0; round < 12; ++round) {
    record("dmesg-erst-1", std::to_string(round) + std::string(200'000, 'x'));
    ASSERT_TRUE(post_mortem_.set_aside());
  }
  bool newest = false;
  std::size_t bytes = 0;
  const auto kept = root_.list("state/post-mortem/earlier").value();
  for (const auto& name : kept) {
    const auto text = root_.read_file("state/post-mortem/earlier/" + name, 300'000).value();
    newest = newest || text.starts_with("11");
    bytes += text.size();
  }
  EXPECT_TRUE(newest);
  EXPECT_LE(bytes, 1024U * 1024);
}

TEST_F(PostMortemTest, AnOldRecordIsSetAsideBeforeArming) {
  record("dmesg-erst-1", panic_log);
  ASSERT_TRUE(post_mortem_.set_aside());
  EXPECT_EQ(look().cause, Cause::none);
  EXPECT_TRUE(root_.exists("state/post-mortem/earlier/dmesg-erst-1"));
}

TEST_F(PostMortemTest, TheArchiveIsBounded) {
  for (std::uint64_t attempt = 1; attempt <= 25; ++attempt) {
    record("dmesg-erst-1", panic_log);
    ASSERT_TRUE(post_mortem_.keep(attempt));
  }
  EXPECT_EQ(root_.list("state/post-mortem").value().size(), 20U);
  EXPECT_TRUE(root_.exists("state/post-mortem/25"));
}

}  // namespace
}  // namespace cube
