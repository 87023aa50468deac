// The contract suites on the adapter for U-Boot, and what is special about two copies.
#include <unistd.h>

#include <cstdlib>

#include "boot/uboot/uboot_boot_control.h"
#include "tests/contract/boot_control_contract.h"
#include "tests/contract/boot_control_situations.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"
#include "tests/support/uboot_loader.h"

namespace cube {
namespace {

[[maybe_unused]] const bool in_memory =
    ::access("/dev/shm", W_OK) == 0 && ::setenv("TMPDIR", "/dev/shm", 0) == 0;

enum class Damage { zeroed, torn, foreign };

template <Damage kind>
class UbootFixture {
 public:
  UbootFixture() {
    loader_.install(SlotId::a);
    loader_.start();
  }
  BootControl& control() { return control_; }
  Started start() { return loader_.start(); }
  void damage() {
    if (kind == Damage::foreign) {  // valid copies of somebody who does not know us
      loader_.save({{"bootcmd", "boot"}, {"upgrade_available", "0"}, {"cube_fallback", "a"}});
      return;
    }
    for (const int number : {0, 1}) {
      auto bytes = get(loader_.copy_file(number));
      const std::size_t from = kind == Damage::torn ? 512 : 0;
      bytes.replace(from, bytes.size() - from, bytes.size() - from, '\0');
      if (kind == Damage::torn) bytes[7] = '!';
      put(loader_.copy_file(number), bytes);
    }
  }

 private:
  ScratchDir dir_;
  RootDir root_ = dir_.root();
  UbootLoader loader_{dir_.path()};
  UbootBootControl control_{root_, {}};
};

using Uboot = testing::Types<UbootFixture<Damage::zeroed>, UbootFixture<Damage::torn>,
                             UbootFixture<Damage::foreign>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Uboot, BootControlContract, Uboot);
INSTANTIATE_TYPED_TEST_SUITE_P(Uboot, BootControlSituations, UbootFixture<Damage::zeroed>);

class UbootTest : public testing::Test {
 protected:
  UbootTest() {
    loader.install(SlotId::a);
    loader.start();
  }
  void configure(const std::string& lines) { put(dir.path() + "/etc/fw_env.config", lines); }

  ScratchDir dir;
  RootDir root = dir.root();
  UbootLoader loader{dir.path()};
  UbootBootControl control{root, {}};
};

TEST_F(UbootTest, AWriteLeavesTheOtherCopyAlone) {
  const std::string before[] = {get(loader.copy_file(0)), get(loader.copy_file(1))};
  ASSERT_TRUE(control.arm(SlotId::b, 3));
  int changed = 0;
  for (const int number : {0, 1})
    if (get(loader.copy_file(number)) != before[number]) ++changed;
  EXPECT_EQ(changed, 1);
  EXPECT_EQ(loader.load().value().at("ethaddr"), "02:00:00:00:00:01") << "what is not ours is kept";
  ASSERT_TRUE(control.bless(SlotId::a));
  EXPECT_EQ(loader.load().value().at("ethaddr"), "02:00:00:00:00:01");
}

TEST_F(UbootTest, WhatTheBoardSetStays) {
  auto variables = loader.load().value();
  variables["cube_args"] = "console=ttyS0";
  loader.save(variables);
  ASSERT_TRUE(control.arm(SlotId::b, 3));
  ASSERT_TRUE(control.bless(SlotId::a));
  EXPECT_EQ(loader.load().value().at("cube_args"), "console=ttyS0");
}

TEST_F(UbootTest, ATornWriteIsTheStateOfBefore) {
  const std::string before[] = {get(loader.copy_file(0)), get(loader.copy_file(1))};
  ASSERT_TRUE(control.arm(SlotId::b, 3));
  for (const int number : {0, 1}) {
    const auto whole = get(loader.copy_file(number));
    if (whole == before[number]) continue;
    for (const std::size_t sectors : {0U, 1U, 2U, 3U}) {
      put(loader.copy_file(number),
          whole.substr(0, sectors * 512) + before[number].substr(sectors * 512));
      const auto state = control.state();
      ASSERT_TRUE(state) << state.error().what;
      const BootState old{SlotId::a, std::nullopt, false},
          armed{SlotId::a, Trial{SlotId::b, 3, 0}, true};
      EXPECT_TRUE(*state == old || *state == armed) << sectors;
    }
  }
}

TEST_F(UbootTest, OneCopyIsNotEnough) {
  for (const char* lines :
       {"", "/boot/uboot-0 0 0x800\n", "/boot/uboot-0 0 0x800\n/boot/uboot-0 0x400 0x800\n",
        "/boot/uboot-0 0 0x800\n/boot/uboot-1 0 0x400\n",
        "/boot/uboot-0 x y\n/boot/uboot-1 0 0x800\n",
        "/boot/uboot-0 0 0x800\n/boot/uboot-1 0 0xffffffffffffffff\n"}) {
    configure(lines);
    EXPECT_EQ(control.arm(SlotId::b, 3).error().code, Errc::cannot_arm) << lines;
    EXPECT_EQ(control.bless(SlotId::a).error().code, Errc::cannot_arm) << lines;
  }
}

TEST_F(UbootTest, AKernelOfAnotherLoaderIsNoProof) {
  put(dir.path() + "/proc/cmdline", "root=/dev/sda1 ro\n");
  const auto status = control.arm(SlotId::b, 3);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::cannot_arm);
  EXPECT_NE(status.error().what.find("cube.slot="), std::string::npos);
}

TEST_F(UbootTest, DamagedCopiesWithoutDefaultsStayAsTheyAre) {
  for (const int number : {0, 1})
    put(loader.copy_file(number), std::string(UbootLoader::copy_bytes, 'x'));
  std::filesystem::remove(dir.path() + "/usr/share/cube-update/u-boot.env");
  EXPECT_EQ(control.bless(SlotId::a).error().code, Errc::cannot_arm);
  EXPECT_EQ(get(loader.copy_file(0)), std::string(UbootLoader::copy_bytes, 'x'));
}

TEST_F(UbootTest, GarbageInTheVariablesIsNoTrial) {
  for (const auto& [name, value] : UbootLoader::Variables{{"cube_left", "x"},
                                                          {"cube_done", "10"},
                                                          {"cube_trial", "c"},
                                                          {"cube_fallback", ""},
                                                          {"bootlimit", "9"},
                                                          {"upgrade_available", "yes"}}) {
    loader.install(SlotId::a);
    ASSERT_TRUE(control.arm(SlotId::b, 3));
    auto variables = loader.load().value();
    variables[name] = value;
    loader.save(variables);
    EXPECT_EQ(control.state().error().code, Errc::cannot_arm) << name;
    ASSERT_TRUE(control.bless(SlotId::a));
    EXPECT_TRUE(control.state()) << name;
  }
}

}  // namespace
}  // namespace cube
