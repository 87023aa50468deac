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

TEST_F(PostMortemTest, KeepMovesAndIsRepeatable) {
  record("dmesg-erst-1", panic_log);
  ASSERT_TRUE(post_mortem_.keep(7));
  ASSERT_TRUE(post_mortem_.keep(7));
  EXPECT_EQ(root_.read_file("state/post-mortem/7/dmesg-erst-1", 10000).value(), panic_log);
  EXPECT_EQ(look().cause, Cause::none) << "told once, then erased";
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
