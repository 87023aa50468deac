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
  replace("cube_was", "other_tool=kept\ncube_was");
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  EXPECT_NE(env().find("other_tool=kept\n"), std::string::npos);
}

TEST_F(GrubTest, VariablesBeyondTheFirstSectorAreRefused) {
  replace("cube_was", "filler=" + std::string(400, 'x') + "\ncube_was");
  EXPECT_EQ(control_.state().error().code, Errc::cannot_arm);
}

TEST_F(GrubTest, AnotherBlockThanGrubReadIsNeverWritten) {
  loader_.install(SlotId::a);  // a new block that the running kernel does not come from
  const auto before = env();
  EXPECT_EQ(control_.arm(SlotId::b, 3).error().code, Errc::cannot_arm);
  EXPECT_EQ(control_.bless(SlotId::b).error().code, Errc::cannot_arm);
  EXPECT_EQ(env(), before);
  EXPECT_EQ(control_.state().value().fallback, SlotId::a);
}

TEST_F(GrubTest, TheCanaryOfTheLastBootIsNotEnough) {
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  ASSERT_TRUE(control_.reject(SlotId::b));
  const auto cmdline = root_.read_file("proc/cmdline", 4096).value();
  loader_.start();
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  put(dir_.path() + "/proc/cmdline", cmdline);  // a GRUB that still reads the old copy
  EXPECT_EQ(control_.arm(SlotId::b, 3).error().code, Errc::cannot_arm);
}

TEST_F(GrubTest, ABootPartitionThatIsNotMountedIsNotMistakenForALostBlock) {
  std::filesystem::remove_all(dir_.path() + "/boot/efi/cube");
  EXPECT_EQ(control_.bless(SlotId::a).error().code, Errc::cannot_arm);
  EXPECT_FALSE(root_.exists("boot/efi/cube"));
}

TEST_F(GrubTest, ABlessCutShortIsVisibleAndCompletedByAnother) {
  EnvBlock good;
  good.set("cube_fallback", "b");
  put(loader_.good_file(), good.render().value());
  EXPECT_EQ(control_.state().value().fallback, SlotId::a) << "GRUB's own record counts";
  EXPECT_EQ(control_.arm(SlotId::b, 3).error().code, Errc::cannot_arm);
  ASSERT_TRUE(control_.bless(SlotId::b));
  EXPECT_EQ(control_.state().value().fallback, SlotId::b);
}

TEST_F(GrubTest, TheSecondCopyFollowsEveryBless) {
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  ASSERT_TRUE(loader_.start().trial);
  ASSERT_TRUE(control_.bless(SlotId::b));
  put(loader_.env_file(), std::string(1024, '\0'));
  EXPECT_EQ(loader_.start(), (Started{SlotId::b, false}));
}

TEST_F(GrubTest, WritesStayInPlace) {
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
