// What is true of GRUB's records beyond the contract of every boot loader.
#include "boot/grub/grub_boot_control.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "boot/cmdline.h"
#include "tests/support/grub_loader.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string block(std::string lines) {
  lines.insert(0, "# GRUB Environment Block\n");
  lines.resize(1024, '#');
  return lines;
}

const std::string ours =
    "cube_fallback=a\ncube_offer=b\ncube_trial=b\ncube_left=3\ncube_done=0\n"
    "cube_canary=0123456789abcdef\ncube_was=fedcba9876543210\n";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

class GrubRecords : public ::testing::Test {
 protected:
  GrubRecords() : loader(dir.path()), root(dir.root()), control(root) {
    loader.install(SlotId::a);
    loader.start();
  }
  GrubEnv env() const { return parse_env(read(loader.env_path())).value(); }
  void start_with_canary(const std::string& canary) const {
    write(loader.cmdline_path(), "cube.slot=a cube.canary=" + canary + "\n");
  }
  // Damaged in this way, nothing but bless goes on; and bless makes all of it usable.
  void expect_only_bless(const std::string& why) {
    SCOPED_TRACE(why);
    const auto state = control.state();
    ASSERT_FALSE(state);
    EXPECT_EQ(state.error().code, Errc::cannot_arm);
    EXPECT_NE(state.error().what.find("boot record "), std::string::npos) << state.error().what;
    EXPECT_NE(state.error().what.find("cube-update commit"), std::string::npos);
    EXPECT_EQ(control.arm(SlotId::b, 3).error().code, Errc::cannot_arm);
    EXPECT_EQ(control.reject(SlotId::b).error().code, Errc::cannot_arm);
    const auto blessed = control.bless(SlotId::a);
    ASSERT_TRUE(blessed) << blessed.error().what;
    EXPECT_EQ(control.state().value(), (BootState{SlotId::a, std::nullopt, false}));
    EXPECT_EQ(read(loader.good_path()), render_good(SlotId::a));
    ASSERT_TRUE(control.arm(SlotId::b, 3)) << "the same boot goes on";
    EXPECT_EQ(loader.start(), (Started{SlotId::b, true}));
    EXPECT_EQ(loader.start(), (Started{SlotId::a, false}));
  }

  ScratchDir dir;
  GrubLoader loader;
  RootDir root;
  GrubBootControl control;
};

TEST_F(GrubRecords, EveryPrefixOfATornBlockIsDamage) {
  for (const auto& path : {loader.env_path(), loader.good_path()})
    for (std::size_t kept = 0; kept < 1024; kept += kept < 256 ? 5 : 113) {
      const auto whole = read(path);
      write(path, whole.substr(0, kept));
      expect_only_bless(path + " cut to " + std::to_string(kept));
      write(path, whole.substr(0, kept) + std::string(1024 - kept, '\0'));
      expect_only_bless(path + " zeroed from " + std::to_string(kept));
    }
}

TEST_F(GrubRecords, OtherDamage) {
  const auto whole = read(loader.env_path());
  const std::string far = "padding=" + std::string(480, 'x') + "\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"512 bytes", whole.substr(0, 512)},
      {"4096 bytes", whole + std::string(3072, '#')},
      {"twice", block(ours + "cube_offer=none\n")},
      {"foreign twice", block(ours + "x=1\nx=2\n")},
      {"ours past the first sector", block(far + ours)},
      {"offer without trial", block(replaced(ours, "cube_trial=b", "cube_trial=none"))},
      {"trial is the fallback", block(replaced(ours, "cube_fallback=a", "cube_fallback=b"))},
      {"no such slot", block(replaced(ours, "cube_fallback=a", "cube_fallback=c"))},
      {"fallback none", block(replaced(ours, "cube_fallback=a", "cube_fallback=none"))},
      {"two digits", block(replaced(ours, "cube_left=3", "cube_left=10"))},
      {"no digit", block(replaced(ours, "cube_done=0", "cube_done="))},
      {"canary in capitals", block(replaced(ours, "abcdef", "ABCDEF"))},
      {"canary too short", block(replaced(ours, "0123456789", "012345678"))},
      {"missing", block(replaced(ours, "cube_was=fedcba9876543210\n", ""))},
      {"unsafe name", block(ours + "a b=1\n")},
      {"no equals sign", block(ours + "abc\n")},
      {"after the padding", replaced(block(ours), "####", "###x")},
      {"other header", replaced(block(ours), "# GRUB", "# GRUd")},
      {"escape hides the end", block(replaced(ours, "cube_was=fedcba9876543210\n",
                                              "cube_was=fedcba9876543210\\\n"))},
  };
  for (const auto& [why, content] : cases) {
    write(loader.env_path(), content);
    expect_only_bless(why);
  }
}

TEST_F(GrubRecords, MissingOrNoFile) {
  for (const auto& path : {loader.env_path(), loader.good_path()}) {
    fs::remove(path);
    expect_only_bless(path + " missing");
    write(dir.path() + "/elsewhere", read(path));
    fs::remove(path);
    fs::create_symlink("/elsewhere", path);
    const auto elsewhere = read(dir.path() + "/elsewhere");
    expect_only_bless(path + " is a symlink");
    EXPECT_EQ(read(dir.path() + "/elsewhere"), elsewhere) << "never written through the link";
    EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(path)));
  }
  fs::remove(loader.env_path());
  ASSERT_EQ(::mkfifo(loader.env_path().c_str(), 0600), 0);
  EXPECT_EQ(control.state().error().code, Errc::cannot_arm);
  EXPECT_EQ(control.bless(SlotId::a).error().code, Errc::failed) << "a fifo is not ours to remove";
  fs::remove_all(dir.path() + "/boot/efi/cube");
  const auto unmounted = control.bless(SlotId::a);
  EXPECT_EQ(unmounted.error().code, Errc::cannot_arm);
  EXPECT_NE(unmounted.error().what.find("mount the boot partition"), std::string::npos);
  EXPECT_FALSE(fs::exists(dir.path() + "/boot/efi/cube"));
}

TEST_F(GrubRecords, WritesKeepTheInode) {
  const auto env_before = root.stat("boot/efi/cube/env").value().st_ino;
  const auto good_before = root.stat("boot/efi/cube/good").value().st_ino;
  ASSERT_TRUE(control.arm(SlotId::b, 3));
  loader.start();
  ASSERT_TRUE(control.bless(SlotId::b));
  ASSERT_TRUE(control.reject(SlotId::a));
  EXPECT_EQ(root.stat("boot/efi/cube/env").value().st_ino, env_before);
  EXPECT_EQ(root.stat("boot/efi/cube/good").value().st_ino, good_before);
}

TEST_F(GrubRecords, FirstWriteOfABootRotatesTheCanaryAndLaterOnesDoNot) {
  const auto at_boot = env();
  ASSERT_TRUE(control.arm(SlotId::b, 3));
  const auto first = env();
  EXPECT_EQ(first.was, at_boot.canary);
  EXPECT_NE(first.canary, at_boot.canary);
  ASSERT_TRUE(control.reject(SlotId::b));
  ASSERT_TRUE(control.arm(SlotId::b, 3));
  EXPECT_EQ(env(), first);
  loader.start();
  ASSERT_TRUE(control.bless(SlotId::b));
  EXPECT_EQ(env().was, first.canary);
  EXPECT_NE(env().canary, first.canary);
}

TEST_F(GrubRecords, WithoutTheProofOfTheCanaryNothingIsWritten) {
  ASSERT_TRUE(control.arm(SlotId::b, 3));
  const auto before = read(loader.env_path());
  for (const std::string canary : {"", "0000000000000000", "XYZ"}) {
    start_with_canary(canary);
    for (const auto& status : {control.arm(SlotId::b, 3), control.reject(SlotId::b),
                               control.bless(SlotId::a), control.bless(SlotId::b)}) {
      ASSERT_FALSE(status) << canary;
      EXPECT_EQ(status.error().code, Errc::cannot_arm);
      EXPECT_NE(status.error().what.find(canary == "0000000000000000" ? "mounted" : "restart"),
                std::string::npos);
    }
    EXPECT_EQ(read(loader.env_path()), before);
    EXPECT_TRUE(control.state()) << "looking needs no proof";
  }
}

TEST_F(GrubRecords, ABootFromGoodNeedsOneRestartAfterTheRepair) {
  write(loader.env_path(), "");
  EXPECT_EQ(loader.start(), (Started{SlotId::a, false}));
  ASSERT_TRUE(control.bless(SlotId::a));
  EXPECT_EQ(control.arm(SlotId::b, 3).error().code, Errc::cannot_arm) << "no proof yet";
  EXPECT_EQ(loader.start(), (Started{SlotId::a, false}));
  EXPECT_TRUE(control.arm(SlotId::b, 3));
}

// A power cut between the two writes of bless leaves good ahead of env.
TEST_F(GrubRecords, GoodAheadOfEnvIsRepairedByWhateverIsCalledNext) {
  ASSERT_TRUE(control.arm(SlotId::b, 3));
  loader.start();
  const BootState spent{SlotId::a, Trial{SlotId::b, 2, 1}, false};
  write(loader.good_path(), render_good(SlotId::b));
  EXPECT_EQ(control.state().value(), spent) << "GRUB obeys env";
  ASSERT_TRUE(control.bless(SlotId::b));
  EXPECT_EQ(control.state().value().fallback, SlotId::b);

  write(loader.good_path(), render_good(SlotId::a));
  ASSERT_TRUE(control.reject(SlotId::a)) << "before a slot is filled, good must not name it";
  EXPECT_EQ(read(loader.good_path()), render_good(SlotId::b));
  write(loader.good_path(), render_good(SlotId::a));
  ASSERT_TRUE(control.arm(SlotId::a, 1));
  EXPECT_EQ(read(loader.good_path()), render_good(SlotId::b));
}

TEST_F(GrubRecords, GoodFollowsBless) {
  ASSERT_TRUE(control.arm(SlotId::b, 3));
  EXPECT_EQ(read(loader.good_path()), render_good(SlotId::a));
  loader.start();
  ASSERT_TRUE(control.bless(SlotId::b));
  EXPECT_EQ(read(loader.good_path()), render_good(SlotId::b));
}

TEST_F(GrubRecords, VariablesOfOthersAreKeptInTheirPlace) {
  const auto canary = env().canary;
  const std::string lines =
      replaced(ours, "0123456789abcdef", canary) + "saved_entry=x\\\ny\nboot_success=1\n";
  write(loader.env_path(), block("first=1\n" + lines));
  ASSERT_TRUE(control.reject(SlotId::b));
  const auto text = read(loader.env_path());
  for (const auto* kept : {"\nfirst=1\n", "\nsaved_entry=x\\\ny\n", "\nboot_success=1\n"})
    EXPECT_NE(text.find(kept), std::string::npos) << kept;
}

TEST_F(GrubRecords, ABlockThatOneSectorCannotChangeIsNotArmed) {
  write(loader.env_path(), block(replaced(ours, "0123456789abcdef", env().canary) + "long=" +
                                 std::string(600, 'x') + "\n"));
  const auto before = read(loader.env_path());
  const auto refused = control.reject(SlotId::b);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::cannot_arm);
  EXPECT_NE(refused.error().what.find("grub-editenv"), std::string::npos);
  EXPECT_EQ(read(loader.env_path()), before);
  ASSERT_TRUE(control.bless(SlotId::a)) << "but a commit is not held up by them";
  EXPECT_TRUE(env().foreign.empty());
}

TEST_F(GrubRecords, AnOfferWithoutTriesIsNone) {
  write(loader.env_path(), block(replaced(ours, "cube_left=3", "cube_left=0")));
  EXPECT_FALSE(control.state().value().offered);
  EXPECT_EQ(loader.start(), (Started{SlotId::a, false}));
}

TEST_F(GrubRecords, AnOfferThatCannotBeTakenBackIsNotTaken) {
  ASSERT_TRUE(control.arm(SlotId::b, 3));
  loader.fail_saves(true);
  EXPECT_EQ(loader.start(), (Started{SlotId::a, false}));
  EXPECT_TRUE(control.state().value().offered);
}

TEST_F(GrubRecords, LoaderTellsTheKernelWhatItStarted) {
  ASSERT_TRUE(control.arm(SlotId::b, 3));
  const auto canary = env().canary;
  loader.start();
  EXPECT_EQ(read_cmdline(root).value(), (Cmdline{SlotId::b, true, canary}));
  const auto id = read(dir.path() + "/proc/sys/kernel/random/boot_id");
  EXPECT_EQ(id.size(), 37U);
  loader.start();
  EXPECT_EQ(read_cmdline(root).value(), (Cmdline{SlotId::a, false, canary}));
  EXPECT_NE(read(dir.path() + "/proc/sys/kernel/random/boot_id"), id);
}

TEST(Cmdline, Arguments) {
  const std::string canary = "0123456789abcdef";
  const auto parsed = parse_cmdline("quiet cube.slot=b\tcube.trial=1 cube.canary=" + canary + "\n");
  EXPECT_EQ(parsed, (Cmdline{SlotId::b, true, canary}));
  EXPECT_EQ(parse_cmdline(""), Cmdline{});
  EXPECT_EQ(parse_cmdline("cube.slot=c cube.trial=2 cube.canary=0123456789ABCDEF"), Cmdline{});
  EXPECT_EQ(parse_cmdline("xcube.slot=b cube.slot cube.slotb=b"), Cmdline{});
  EXPECT_EQ(parse_cmdline("cube.slot=a cube.slot=b"), Cmdline{}) << "ambiguous is not given";
  EXPECT_EQ(parse_cmdline("cube.slot=b cube.slot=b").slot, SlotId::b);
  EXPECT_EQ(parse_cmdline("root=\"x cube.slot=b\" ro"), Cmdline{}) << "inside another's quotes";
  EXPECT_EQ(parse_cmdline("-- cube.slot=b"), Cmdline{}) << "for init, not for the kernel";
  EXPECT_EQ(parse_cmdline(std::string(max_cmdline_bytes, ' ') + "cube.slot=b"), Cmdline{});
}

TEST(EnvBlock, RenderRefusesWhatParseWould) {
  GrubEnv good{SlotId::a, SlotId::b, SlotId::b, 3, 0, "0123456789abcdef", "fedcba9876543210", {}};
  EXPECT_EQ(render_env(good).value(), block(ours)) << "the order that the GRUB script expects";
  EXPECT_EQ(parse_env(block(ours)).value(), good);
  const auto refused = [&](auto change) {
    auto env = good;
    change(env);
    return render_env(env).error().code;
  };
  EXPECT_EQ(refused([](GrubEnv& e) { e.left = 10; }), Errc::bug);
  EXPECT_EQ(refused([](GrubEnv& e) { e.done = -1; }), Errc::bug);
  EXPECT_EQ(refused([](GrubEnv& e) { e.canary = "short"; }), Errc::bug);
  EXPECT_EQ(refused([](GrubEnv& e) { e.fallback = SlotId::b; }), Errc::bug);
  EXPECT_EQ(refused([](GrubEnv& e) { e.trial.reset(); }), Errc::bug);
  EXPECT_EQ(refused([](GrubEnv& e) { e.foreign = {"cube_left=1"}; }), Errc::bug);
  EXPECT_EQ(refused([](GrubEnv& e) { e.foreign = {"x=" + std::string(1000, 'y')}; }),
            Errc::no_space);
}

}  // namespace
}  // namespace cube
