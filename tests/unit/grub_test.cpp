// What is special about GRUB: damaged blocks of every kind, the canary, the second copy.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "boot/cmdline.h"
#include "boot/grub/env_block.h"
#include "boot/grub/grub_boot_control.h"
#include "tests/support/grub_loader.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

class GrubTest : public testing::Test {
 protected:
  GrubTest() {
    loader_.install(SlotId::a);
    loader_.start();
  }
  std::string env() { return root_.read_file("boot/efi/cube/env", 4096).value(); }
  static void put(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  void replace(const std::string& from, const std::string& to) {
    auto bytes = env();
    const auto at = bytes.find(from);
    ASSERT_NE(at, std::string::npos);
    bytes.replace(at, from.size(), to);
    bytes.resize(1024, '#');
    put(loader_.env_file(), bytes);
  }

  ScratchDir dir_;
  RootDir root_ = dir_.root();
  GrubLoader loader_{dir_.path()};
  GrubBootControl control_{root_, {}};
};

TEST_F(GrubTest, EveryTruncationIsRefusedAndLeftAlone) {
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  const auto whole = env();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    put(loader_.env_file(), whole.substr(0, length));
    ASSERT_EQ(control_.state().error().code, Errc::cannot_arm) << length;
    ASSERT_EQ(control_.arm(SlotId::b, 3).error().code, Errc::cannot_arm) << length;
    ASSERT_EQ(env(), whole.substr(0, length));
  }
}

TEST_F(GrubTest, EveryHoleOfZerosIsRefused) {
  const auto whole = env();
  for (std::size_t at = 0; at < whole.size(); at += 16) {
    auto torn = whole;
    torn.replace(at, 16, 16, '\0');
    put(loader_.env_file(), torn);
    ASSERT_EQ(control_.state().error().code, Errc::cannot_arm) << at;
  }
}

TEST_F(GrubTest, UnreasonableValuesAreRefused) {
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"cube_fallback=a", "cube_fallback=c"}, {"cube_fallback=a", "cube_fallback=none"},
           {"cube_left=0", "cube_left=10"},        {"cube_left=0", "cube_left="},
           {"cube_done=0", "cube_done=x"},         {"cube_trial=none", "cube_trial=a"},
           {"cube_offer=none", "cube_offer=b"},    {"cube_offer=none\n", ""},
           {"cube_left=0", "cube_left=0\ncube_left=0"}}) {
    loader_.install(SlotId::a);
    loader_.start();
    replace(from, to);
    EXPECT_EQ(control_.state().error().code, Errc::cannot_arm) << to;
  }
}

TEST_F(GrubTest, StrangersInTheBlockAreKept) {
  replace("cube_canary", "other_tool=kept\ncube_canary");
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  EXPECT_NE(env().find("other_tool=kept\n"), std::string::npos);
}

TEST_F(GrubTest, VariablesBeyondTheFirstSectorAreRefused) {
  replace("cube_canary", "filler=" + std::string(430, 'x') + "\ncube_canary");
  EXPECT_EQ(control_.state().error().code, Errc::cannot_arm);
}

TEST_F(GrubTest, AnotherBlockThanGrubReadIsNeverWritten) {
  loader_.install(SlotId::a);  // a new block that the running kernel does not come from
  const auto before = env();
  EXPECT_EQ(control_.arm(SlotId::b, 3).error().code, Errc::cannot_arm);
  EXPECT_EQ(control_.bless(SlotId::b).error().code, Errc::cannot_arm);
  EXPECT_EQ(env(), before);
  EXPECT_EQ(control_.state().error().code, Errc::cannot_arm) << "said before anything is downloaded";
}

TEST_F(GrubTest, TheCanaryOfTheLastBootIsNotEnough) {
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  ASSERT_TRUE(control_.reject(SlotId::b));
  const auto cmdline = root_.read_file("proc/cmdline", 4096).value();
  loader_.start();
  put(dir_.path() + "/proc/cmdline", cmdline);  // a GRUB that still reads the old copy
  EXPECT_EQ(control_.arm(SlotId::b, 3).error().code, Errc::cannot_arm);
}

TEST_F(GrubTest, ABootPartitionThatIsNotMountedIsNotMistakenForALostBlock) {
  std::filesystem::remove_all(dir_.path() + "/boot/efi/cube");
  EXPECT_EQ(control_.bless(SlotId::a).error().code, Errc::cannot_arm);
  EXPECT_FALSE(root_.exists("boot/efi/cube"));
}

// A power cut between the two writes of bless(). Refusing would keep the trial out for ever.
TEST_F(GrubTest, ABlessCutShortIsMendedByWhateverIsCalledNext) {
  EnvBlock good, other;
  good.set("cube_fallback", "a");
  other.set("cube_fallback", "b");
  const auto second_copy = [&] { return root_.read_file("boot/efi/cube/good", 4096).value(); };
  const auto cut_short = [&] { put(loader_.good_file(), other.render().value()); };
  cut_short();
  EXPECT_EQ(control_.state().value().fallback, SlotId::a) << "GRUB's own record counts";
  ASSERT_TRUE(control_.reject(SlotId::b)) << "then b is filled: good must not name it";
  EXPECT_EQ(second_copy(), good.render().value());
  cut_short();
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  EXPECT_EQ(second_copy(), good.render().value());
  cut_short();
  ASSERT_TRUE(loader_.start().trial);
  ASSERT_TRUE(control_.bless(SlotId::b));
  EXPECT_EQ(control_.state().value().fallback, SlotId::b);
  EXPECT_EQ(second_copy(), other.render().value());
}

TEST_F(GrubTest, SecondCopyIsMendedOnlyWhereGrubReads) {
  EnvBlock other;
  other.set("cube_fallback", "b");
  put(loader_.good_file(), other.render().value());
  put(dir_.path() + "/proc/cmdline", "cube.slot=a cube.canary=0000000000000000\n");
  EXPECT_EQ(control_.arm(SlotId::b, 3).error().code, Errc::cannot_arm);
  EXPECT_EQ(control_.reject(SlotId::b).error().code, Errc::cannot_arm);
  EXPECT_EQ(root_.read_file("boot/efi/cube/good", 4096).value(), other.render().value());
}

TEST_F(GrubTest, OtherLengthsAndSymlinksAreMadeAnewByBless) {
  for (const std::string& path : {loader_.env_file(), loader_.good_file()})
    for (const std::size_t length : {0U, 512U, 1023U, 4096U}) {
      put(path, std::string(length, '#'));
      ASSERT_EQ(control_.state().error().code, Errc::cannot_arm) << length;
      ASSERT_TRUE(control_.bless(SlotId::a)) << length;
      ASSERT_TRUE(control_.state()) << length;
      ASSERT_TRUE(control_.arm(SlotId::b, 1)) << "the same boot goes on";
    }
  const std::string elsewhere = dir_.path() + "/elsewhere";
  for (const std::string& path : {loader_.env_file(), loader_.good_file()}) {
    std::filesystem::rename(path, elsewhere);
    const auto before = root_.read_file("elsewhere", 4096).value();
    std::filesystem::create_symlink("/elsewhere", path);
    EXPECT_EQ(control_.state().error().code, Errc::cannot_arm) << path;
    EXPECT_EQ(control_.arm(SlotId::b, 1).error().code, Errc::cannot_arm) << path;
    ASSERT_TRUE(control_.bless(SlotId::a)) << path;
    EXPECT_TRUE(control_.state()) << path;
    EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(path)));
    EXPECT_EQ(root_.read_file("elsewhere", 4096).value(), before) << "not written through the link";
  }
}

TEST_F(GrubTest, BlocksThatOneSectorCannotChangeAreLeftAlone) {
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  auto bytes = env();
  bytes.replace(bytes.find("###"), 650, "other=" + std::string(643, 'x') + "\n");
  put(loader_.env_file(), bytes);
  ASSERT_TRUE(control_.state());
  const auto refused = control_.reject(SlotId::b);  // shifts what follows by two bytes
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::cannot_arm);
  EXPECT_NE(refused.error().what.find("grub-editenv"), std::string::npos);
  EXPECT_EQ(env(), bytes);
}

TEST_F(GrubTest, TheSecondCopyFollowsEveryBless) {
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  ASSERT_TRUE(loader_.start().trial);
  ASSERT_TRUE(control_.bless(SlotId::b));
  put(loader_.env_file(), std::string(1024, '\0'));
  EXPECT_EQ(loader_.start(), (Started{SlotId::b, false}));
}

TEST_F(GrubTest, WritesStayInPlace) {
  // A second link, so that a freed inode number cannot come back for another file.
  std::filesystem::create_hard_link(loader_.env_file(), dir_.path() + "/boot/efi/cube/kept");
  const auto before = root_.stat("boot/efi/cube/env").value();
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  ASSERT_TRUE(control_.reject(SlotId::b));
  const auto after = root_.stat("boot/efi/cube/env").value();
  EXPECT_EQ(before.st_ino, after.st_ino);
  EXPECT_EQ(after.st_size, 1024);
}

TEST(Cmdline, TakesWhatItKnowsAndNoMore) {
  const auto cmdline = parse_cmdline("quiet cube.slot=a cube.slot=b cube.trial=1 "
                                     "cube.canary=0123456789abcdef xcube.trial=0\n");
  EXPECT_EQ(cmdline.slot, SlotId::b);
  EXPECT_TRUE(cmdline.trial);
  EXPECT_EQ(cmdline.canary, "0123456789abcdef");
  EXPECT_EQ(parse_cmdline("cube.slot=c cube.trial=11 cube.canary=ABCDEF0123456789").slot, std::nullopt);
  EXPECT_FALSE(parse_cmdline("cube.trial=11").trial);
  EXPECT_EQ(parse_cmdline("cube.canary=ABCDEF0123456789").canary, "");
}

}  // namespace
}  // namespace cube
