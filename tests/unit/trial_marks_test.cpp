// How far a trial came: marks in foreign texts, kept with the attempt, and never those of another
// boot; and the records that systemd-pstore has already taken away.
#include "boot/postmortem/trial_marks.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "boot/postmortem/diagnosis.h"
#include "boot/postmortem/pstore_post_mortem.h"
#include "boot/postmortem/records.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

const std::string first_boot = "11111111-2222-3333-4444-555555555555";
const std::string trial_boot = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
constexpr const char* panic_log =
    "Panic#1 Part1\n<0>[    1.3] Kernel panic - not syncing: VFS: Unable to mount root fs\n";

std::string mark(const std::string& stage, const std::string& boot) {
  return "cube-update: stage " + stage + " boot " + boot + "\n";
}

class TrialMarksTest : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& content) const {
    const fs::path place = dir_.path() + "/" + path;
    fs::create_directories(place.parent_path());
    const auto fresh = place.string() + ".fresh";  // as systemd-pstore does it: another inode
    std::ofstream(fresh, std::ios::binary) << content;
    fs::rename(fresh, place);
  }
  void archive(const std::string& path, const std::string& content) const {
    put("var/lib/systemd/pstore/" + path, content);
  }
  Evidence look() { return post_mortem_.look().value(); }
  Result<Log> kept(int attempt) {
    return read_log(root_, "state/post-mortem/" + std::to_string(attempt));
  }

  ScratchDir dir_;
  RootDir root_ = dir_.root();
  Result<std::string> in_slot_ = std::string();
  PstorePostMortem post_mortem_{root_, "state", [this] { return in_slot_; }};
};

TEST(TrialMarks, AreFoundWhereverTheyStand) {
  const std::string text = "<5>[    2.1] " + mark("initramfs-start", trial_boot) +
                           "Nov 27 11:13:22 host kernel: " + mark("root-mounted", trial_boot) +
                           mark("userspace", trial_boot);
  const auto marks = marks_in(text);
  ASSERT_EQ(marks.size(), 3U);
  EXPECT_EQ(marks[0], (Mark{"initramfs-start", trial_boot}));
  EXPECT_EQ(marks_in(render_marks(marks)), marks);
}

TEST(TrialMarks, WhatIsTornOrQuotedIsNone) {
  for (const std::string& line :
       {mark("root-mounted", "aaaaaaaa"), mark("coffee", trial_boot), mark("", trial_boot),
        "he said: " + mark("userspace", trial_boot), mark("userspace", trial_boot + "0"),
        mark("root-mounted", std::string(36, 'G')), std::string("cube-update: stage userspace"),
        std::string("cube-update: stage ")})
    EXPECT_TRUE(marks_in(line).empty()) << line;
  std::string many;
  for (int i = 0; i < 1000; ++i) many += mark("userspace", trial_boot);
  EXPECT_EQ(marks_in(many).size(), max_marks);
}

TEST_F(TrialMarksTest, OfTheTrialAreKeptWithTheAttempt) {
  ASSERT_TRUE(post_mortem_.set_aside());
  in_slot_ = mark("root-mounted", trial_boot);
  put("sys/fs/pstore/pmsg-ramoops-0",
      "other\n" + mark("initramfs-start", trial_boot) + mark("root-mounted", trial_boot));
  EXPECT_EQ(look().cause, Cause::none) << "a power cut leaves marks, too";
  ASSERT_TRUE(post_mortem_.keep(7));
  ASSERT_TRUE(post_mortem_.keep(7));
  EXPECT_EQ(kept(7).value().marks,
            mark("root-mounted", trial_boot) + mark("initramfs-start", trial_boot));
  EXPECT_EQ(kept(7).value().text, "");
  EXPECT_TRUE(root_.exists("sys/fs/pstore/pmsg-ramoops-0")) << "the messages are others', too";
}

TEST_F(TrialMarksTest, OfAnEarlierBootAreNotTheAttempts) {
  in_slot_ = mark("userspace", first_boot);
  put("sys/fs/pstore/pmsg-ramoops-0", mark("userspace", first_boot));
  put("proc/sys/kernel/random/boot_id", trial_boot + "\n");
  ASSERT_TRUE(post_mortem_.set_aside());
  ASSERT_TRUE(post_mortem_.keep(7));
  EXPECT_FALSE(kept(7)) << "they were there before the arming";
  in_slot_ = mark("userspace", trial_boot);
  ASSERT_TRUE(post_mortem_.keep(8));
  EXPECT_FALSE(kept(8)) << "the boot that armed was a trial itself";
}

TEST_F(TrialMarksTest, WithoutAnArmingNothingIsNew) {
  in_slot_ = mark("userspace", trial_boot);
  archive("176423456/dmesg-efi-176423456701001", panic_log);
  EXPECT_EQ(look().cause, Cause::none);
  ASSERT_TRUE(post_mortem_.keep(7));
  EXPECT_FALSE(kept(7));
}

TEST_F(TrialMarksTest, ASlotThatCannotBeReadIsNoError) {
  ASSERT_TRUE(post_mortem_.set_aside());
  in_slot_ = Error{Errc::corrupt, "no filesystem"};
  archive("dmesg-ramoops-0", panic_log);
  ASSERT_TRUE(post_mortem_.keep(7));
  EXPECT_EQ(kept(7).value().marks, "");
  ASSERT_TRUE(post_mortem_.set_aside());
  in_slot_ = mark("userspace", trial_boot);
  ASSERT_TRUE(post_mortem_.keep(8));
  EXPECT_FALSE(kept(8)) << "whether it is new was not to be seen";
}

TEST(TrialMarks, AHangThatLeftThemIsMoreThanAHang) {
  const std::string log = "Linux version 6.1.1 (a)\n[ 2.0] Freeing unused kernel image\n";
  auto silent = diagnose(log);
  EXPECT_EQ(silent.stage, Stage::hang);
  EXPECT_EQ(silent.reached, "");
  add_marks(mark("root-mounted", trial_boot), silent);
  EXPECT_EQ(silent.reached, "root-mounted");
  EXPECT_NE(silent.cause.find("its root was mounted"), std::string::npos) << silent.cause;
  const auto told = diagnose(log + "[ 2.5] " + mark("initramfs-start", trial_boot) + "[ 2.6] " +
                             mark("userspace", trial_boot));
  EXPECT_EQ(told.reached, "userspace");
  EXPECT_TRUE(told.trial) << "only trials leave marks";
  EXPECT_EQ(told.cause.find("its initramfs"), std::string::npos) << told.cause;
  auto last_start = diagnose("");
  add_marks(mark("userspace", first_boot) + mark("initramfs-start", trial_boot), last_start);
  EXPECT_EQ(last_start.reached, "initramfs-start") << "the last start counts";
}

TEST(TrialMarks, DecideWhereAKernelDied) {
  const std::string panic = "[ 3.0] Kernel panic - not syncing: sysrq triggered crash\n";
  EXPECT_EQ(diagnose("[ 1.0] x\n" + panic).stage, Stage::kernel_early);
  EXPECT_EQ(diagnose("[ 1.0] " + mark("initramfs-start", trial_boot) + panic).stage,
            Stage::initramfs_start);
  EXPECT_EQ(diagnose("[ 1.0] " + mark("userspace", trial_boot) + panic).stage,
            Stage::userspace_panic);
}

// As systemd 252 lays it out: seen with its systemd-pstore on records made by hand.
TEST_F(TrialMarksTest, WhatWasArchivedAlreadyIsEvidence) {
  ASSERT_TRUE(post_mortem_.set_aside());
  archive("176423456/dmesg-efi-176423456701001",
          "Panic#1 Part1\n<0>[ 9.1] Kernel panic - not syncing: Attempted to kill init!\n");
  archive("176423456/dmesg-efi-176423456702001",
          "Panic#1 Part2\n<5>[ 0.0] Linux version 6.1.7 (a)\n<2>[ 9.0] cube-update: initramfs: mount "
          "failed: LABEL=cube-b\n");
  archive("176423456/dmesg.txt", "dmesg-efi-176423456702001:\n...");
  archive("console-ramoops-0", "console");
  EXPECT_EQ(look().cause, Cause::breadcrumb);
  EXPECT_EQ(look().detail, "mount failed: LABEL=cube-b (kernel 6.1.7)");
  ASSERT_TRUE(post_mortem_.keep(7));
  EXPECT_EQ(diagnose(kept(7).value().text).kernel, "6.1.7");
  EXPECT_EQ(look().cause, Cause::none) << "told once";
  EXPECT_TRUE(root_.exists("var/lib/systemd/pstore/176423456/dmesg-efi-176423456701001"));
}

TEST_F(TrialMarksTest, WhatWasArchivedBeforeTheArmingIsNot) {
  archive("6943000000000/dmesg-erst-6943000000000000002", panic_log);
  archive("dmesg-ramoops-0", panic_log);
  archive("dmesg-efi-176423456804001.enc.z", "\x9c");
  ASSERT_TRUE(post_mortem_.set_aside());
  EXPECT_EQ(look().cause, Cause::none);
  const auto place = dir_.path() + "/var/lib/systemd/pstore/6943000000000";
  ASSERT_EQ(::chmod((place + "/dmesg-erst-6943000000000000002").c_str(), 0644), 0);
  EXPECT_EQ(look().cause, Cause::none) << "labelled anew is not written anew";
  archive("dmesg-ramoops-0", panic_log);
  EXPECT_EQ(look().cause, Cause::panic) << "the same words under the same name, another death";
}

TEST_F(TrialMarksTest, AnArchivedRecordThatCannotBeReadProvesADeath) {
  ASSERT_TRUE(post_mortem_.set_aside());
  archive("dmesg-efi-176423456804001.enc.z", "\x9c");
  EXPECT_EQ(look().cause, Cause::panic);
}

TEST_F(TrialMarksTest, ARecordInBothPlacesIsOne) {
  ASSERT_TRUE(post_mortem_.set_aside());
  archive("6943/dmesg-erst-6943", panic_log);
  put("sys/fs/pstore/dmesg-erst-6943", panic_log);
  ASSERT_TRUE(post_mortem_.keep(7));
  EXPECT_EQ(root_.list("state/post-mortem/7").value(), std::vector<std::string>{"dmesg-erst-6943"});
  EXPECT_TRUE(root_.list("sys/fs/pstore").value().empty());
}

TEST_F(TrialMarksTest, AStrangeArchiveIsSurvived) {
  archive("a/b/c/d/dmesg-efi-1", panic_log);
  fs::create_symlink("/proc/version", dir_.path() + "/var/lib/systemd/pstore/dmesg-efi-2");
  ASSERT_TRUE(post_mortem_.set_aside());
  archive("a/b/c/d/dmesg-efi-3", panic_log);
  fs::create_symlink("/proc/version", dir_.path() + "/var/lib/systemd/pstore/dmesg-efi-4");
  EXPECT_EQ(look().cause, Cause::none) << "too deep, and links";
  for (std::size_t i = 0; i <= max_archived; ++i)
    archive("many/dmesg-efi-" + std::to_string(i), panic_log);
  EXPECT_EQ(look().cause, Cause::none) << "more than are looked at";
  ASSERT_TRUE(post_mortem_.keep(7));
  ASSERT_TRUE(post_mortem_.set_aside());
  fs::remove_all(dir_.path() + "/var/lib/systemd/pstore/many");
  archive("dmesg-efi-9", panic_log);
  EXPECT_EQ(look().cause, Cause::none) << "what was there at the arming was not to be seen";
}

}  // namespace
}  // namespace cube
