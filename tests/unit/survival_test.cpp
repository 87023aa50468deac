#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "boot/watchdog/survival.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/simulated_bmc.h"

namespace cube {
namespace {

class SurvivalTest : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& content = "") {
    ASSERT_TRUE(root_.make_dirs(path.substr(0, path.rfind('/'))));
    std::ofstream(dir_.path() + "/" + path) << content;
  }
  void device(const std::string& name, const std::string& identity) {
    put("sys/class/watchdog/" + name + "/identity", identity + "\n");
    put("sys/class/watchdog/" + name + "/state", "inactive\n");
  }
  void trial_arguments() {
    put("boot/efi/cube/cube.cfg",
        "  set cube_trial_args=\"cube.trial=1 panic=10 oops=panic softlockup_panic=1 "
        "nmi_watchdog=panic hung_task_panic=1\"\n");
  }
  SurvivalFacts facts(const std::string& loader = "grub") {
    return survival_facts(root_, bmc_, loader, "boot/efi/cube");
  }
  Death death(const std::string& name, bool policy_off = false, const std::string& records = "") {
    const auto all = judge_survival(facts(), policy_off, records);
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Death& one) { return one.name == name; });
    EXPECT_NE(found, all.end()) << name;
    return *found;
  }

  ScratchDir dir_;
  RootDir root_ = dir_.root();
  SimulatedBmc bmc_;
};

TEST_F(SurvivalTest, ABareMachineSurvivesLittleAndIsToldWhatToDo) {
  bmc_.absent = true;
  for (const auto& one : judge_survival(facts(), false, "")) {
    EXPECT_EQ(one.survived == Survived::yes, one.name == "power-cut") << one.name;
    EXPECT_EQ(one.remedy.empty(), one.survived == Survived::yes) << one.name;
    EXPECT_FALSE(one.how.empty()) << one.name;
  }
}

TEST_F(SurvivalTest, ABmcCoversAllHangs) {
  for (const char* name : {"lockup", "hang", "early-hang", "loader-hang", "initramfs"})
    EXPECT_EQ(death(name).survived, Survived::yes) << name;
  for (const char* name : {"hang", "early-hang", "loader-hang"})
    EXPECT_NE(death(name, true).survived, Survived::yes) << name << " with policy off";
}

TEST_F(SurvivalTest, ABmcThatRefusesCoversNothing) {
  bmc_.refuses[0x0625] = 0xc1;
  EXPECT_EQ(death("early-hang").survived, Survived::no);
  EXPECT_NE(death("early-hang").how.find("invalid command (C1)"), std::string::npos);
}

TEST_F(SurvivalTest, ABmcWithoutADriverIsPointedOut) {
  bmc_.absent = true;
  put("sys/firmware/dmi/entries/38-0/raw");
  EXPECT_NE(death("early-hang").remedy.find("ipmi_devintf"), std::string::npos);
}

TEST_F(SurvivalTest, PanicsNeedTheTrialsArguments) {
  EXPECT_EQ(death("panic").survived, Survived::unknown);
  put("boot/efi/cube/cube.cfg", "set cube_trial_args=\"cube.trial=1 oops=panic\"\n");
  EXPECT_EQ(death("panic").survived, Survived::no);
  trial_arguments();
  EXPECT_EQ(death("panic").survived, Survived::yes);
  EXPECT_FALSE(death("panic").remedy.empty()) << "nothing keeps the last words";
  put("sys/module/pstore/parameters/backend", "erst\n");
  EXPECT_TRUE(death("panic").remedy.empty());
  EXPECT_EQ(facts("systemd-boot").trial_arguments, "");
  EXPECT_TRUE(facts("systemd-boot").own_arguments);
}

TEST_F(SurvivalTest, LockupsNeedTheKernelsDetectors) {
  bmc_.absent = true;
  trial_arguments();
  EXPECT_EQ(death("lockup").survived, Survived::no);
  put("proc/sys/kernel/soft_watchdog", "1\n");
  EXPECT_EQ(death("lockup").survived, Survived::partly);
  put("proc/sys/kernel/nmi_watchdog", "1\n");
  EXPECT_EQ(death("lockup").survived, Survived::yes);
}

TEST_F(SurvivalTest, AWatchdogDeviceCountsForWhatItIs) {
  bmc_.absent = true;
  put("usr/lib/cube-update/emergency.sh");
  put("usr/lib/cube-update/watchdog.sh");
  put("usr/share/initramfs-tools/hooks/cube-update");
  EXPECT_EQ(death("hang").survived, Survived::no);
  device("watchdog0", "Software Watchdog");
  EXPECT_EQ(death("hang").survived, Survived::partly);
  device("watchdog1", "iTCO_wdt");
  EXPECT_EQ(death("hang").survived, Survived::unknown) << "a device is no proof";
  device("watchdog2", "i6300ESB timer");
  EXPECT_EQ(death("hang").survived, Survived::yes);
  EXPECT_EQ(death("early-hang").survived, Survived::no);
  std::filesystem::remove(dir_.path() + "/usr/lib/cube-update/watchdog.sh");
  EXPECT_EQ(death("hang").survived, Survived::no) << "nothing arms it";
}

TEST_F(SurvivalTest, WhatDriversSayIsNeutralised) {
  device("watchdog0", "\x1b[2J\x9c" + std::string(500, 'x'));
  const auto devices = watchdog_devices(root_).value();
  ASSERT_EQ(devices.size(), 1U);
  EXPECT_EQ(devices[0].identity.substr(0, 6), "?[2J?x");
  EXPECT_LE(devices[0].identity.size(), 64U);
}

TEST_F(SurvivalTest, DamagedRecordsArePointedOut) {
  EXPECT_EQ(death("power-cut", false, "env: damaged").survived, Survived::no);
}

TEST_F(SurvivalTest, SickUserspaceNeedsBothUnits) {
  EXPECT_EQ(death("sick").survived, Survived::unknown);
  put("etc/systemd/system/sysinit.target.wants/x");
  put("etc/systemd/system/multi-user.target.wants/x");
  const std::string folder = dir_.path() + "/etc/systemd/system/";
  std::filesystem::create_symlink("/usr/lib/systemd/system/cube-update-resume.service",
                                  folder + "sysinit.target.wants/cube-update-resume.service");
  EXPECT_EQ(death("sick").survived, Survived::unknown);
  std::filesystem::create_symlink("/usr/lib/systemd/system/cube-update-commit.service",
                                  folder + "multi-user.target.wants/cube-update-commit.service");
  EXPECT_EQ(death("sick").survived, Survived::yes);
}

}  // namespace
}  // namespace cube
