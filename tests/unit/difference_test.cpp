// Differences: what is told, in which order, and what is not told because nobody can know it.
#include "insight/difference.h"

#include <gtest/gtest.h>

namespace cube::insight {
namespace {

// The release of the seed's story, and what makes the next one unfit.
Inventory before() {
  Inventory made;
  made.kernel = "4.18.0-348.el8.x86_64";
  made.initramfs = "boot/initrd.img";
  made.packages = {
      {"bash.x86_64", "4.4"}, {"kernel-core.x86_64", "4.18.0-348"}, {"old.noarch", "1"}};
  made.options = {{"CONFIG_A", "y"}, {"CONFIG_B", "m"}, {"CONFIG_N", "n"}, {"CONFIG_V", "100"}};
  made.built_in = {"xfs", "dm_mod"};
  made.modules = {{"megaraid_sas", "kernel/megaraid_sas.ko"},
                  {"ext4", "kernel/ext4.ko"},
                  {"floppy", "kernel/floppy.ko"}};
  made.aliases = {{"megaraid_sas", "43 aa"}, {"ext4", "2 bb"}};
  made.firmware = {{"a.bin", "5 aa"}, {"b.bin", "-> a.bin"}};
  made.initramfs_modules = {"megaraid_sas", "ext4"};
  made.initramfs_firmware = {"a.bin"};
  made.units = {"sshd.service", "ntp.service"};
  made.enabled = {"sshd.service", "ntp.service"};
  made.setuid = {{"usr/bin/su", "4755"}};
  made.folders = {{"usr/lib", 1000}, {"etc", 10}};
  return made;
}

std::vector<std::string> harms(const Difference& found) {
  std::vector<std::string> rows;
  for (const auto& [harm, changes] : found.harms)
    for (const auto& change : changes)
      rows.push_back(std::string(word_for(harm)) + " " + change.name);
  return rows;
}
using Rows = std::vector<std::string>;

TEST(Difference, TheSameReleaseHasNone) {
  const auto found = difference(before(), before());
  EXPECT_TRUE(found.empty());
  EXPECT_TRUE(found.folders.empty() && found.added.empty());
}

TEST(Difference, TellsWhatCanHurtTheWorstFirst) {
  auto after = before();
  after.kernel = "4.18.0-373.el8.x86_64";
  after.initramfs_modules.erase("megaraid_sas");
  after.initramfs_firmware.clear();
  after.modules.erase("floppy");
  after.aliases["megaraid_sas"] = "38 cc";
  after.firmware.erase("b.bin");
  after.options.erase("CONFIG_B");
  after.built_in.erase("dm_mod");
  after.modules["dm_mod"] = "kernel/dm-mod.ko";
  after.units.erase("ntp.service");
  after.enabled.clear();
  after.arguments = {{"etc/kernel/cmdline", "quiet"}};
  after.setuid = {{"usr/bin/su", "6755"}, {"usr/bin/new", "4755"}};
  after.unreadable = {{"folders", "var: Permission denied"}};
  const auto found = difference(before(), after);
  EXPECT_EQ(found.kernel_from, "4.18.0-348.el8.x86_64");
  EXPECT_EQ(found.kernel_to, "4.18.0-373.el8.x86_64");
  EXPECT_EQ(harms(found),
            (Rows{"not-known folders", "initramfs-driver-gone megaraid_sas",
                  "initramfs-firmware-gone a.bin", "module-gone floppy",
                  "module-fewer-devices megaraid_sas", "firmware-gone b.bin", "option-off CONFIG_B",
                  "module-not-built-in dm_mod", "unit-gone ntp.service",
                  "unit-not-enabled sshd.service", "arguments-changed etc/kernel/cmdline",
                  "setuid-new usr/bin/new", "setuid-changed usr/bin/su"}));
  EXPECT_EQ(found.harms.at(Harm::initramfs_driver_gone)[0],
            (Change{"megaraid_sas", "", "in the tree"}));
  EXPECT_EQ(found.harms.at(Harm::module_fewer_devices)[0], (Change{"megaraid_sas", "43", "38"}));
  const auto json = difference_json(found).canonical();
  EXPECT_NE(json.find("\"harm\":\"initramfs-driver-gone\",\"name\":\"megaraid_sas\""),
            std::string::npos);
}

TEST(Difference, ADriverThatIsGoneAltogetherIsToldOnce) {
  auto after = before();
  after.initramfs_modules.erase("megaraid_sas");
  after.modules.erase("megaraid_sas");
  const auto found = difference(before(), after);
  EXPECT_EQ(harms(found), Rows{"initramfs-driver-gone megaraid_sas"});
  EXPECT_EQ(found.harms.at(Harm::initramfs_driver_gone)[0].to, "nowhere");
}

TEST(Difference, ADriverThatIsBuiltInNowIsNotGone) {
  auto after = before();
  after.initramfs_modules.erase("megaraid_sas");
  after.modules.erase("megaraid_sas");
  after.built_in.insert("megaraid_sas");
  EXPECT_TRUE(difference(before(), after).empty());
}

TEST(Difference, WithoutAnInitramfsThatIsAllThatIsSaidOfIt) {
  auto after = before();
  after.initramfs.clear();
  after.initramfs_modules.clear();
  after.initramfs_firmware.clear();
  EXPECT_EQ(harms(difference(before(), after)), Rows{"initramfs-gone boot/initrd.img"});
}

TEST(Difference, WhatIsNotKnownIsNotGone) {
  auto after = before();
  after.initramfs_modules.clear();
  after.modules.clear();
  after.firmware.clear();
  after.units.clear();
  after.packages.clear();
  for (const char* part : {"initramfs_modules", "modules", "firmware", "units", "packages"})
    after.unreadable.push_back({part, "why"});
  const auto found = difference(before(), after);
  EXPECT_EQ(harms(found), (Rows{"not-known firmware", "not-known initramfs_modules",
                                "not-known modules", "not-known packages", "not-known units"}));
  EXPECT_TRUE(found.packages_removed.empty());
}

TEST(Difference, AListThatIsMissingIsNotALossOfAllThatWasInIt) {
  auto after = before();
  after.options.clear();
  after.built_in.clear();
  after.aliases.clear();
  after.packages.clear();
  const auto found = difference(before(), after);
  EXPECT_EQ(harms(found), (Rows{"not-known aliases", "not-known built_in", "not-known options",
                                "not-known packages"}));
  EXPECT_TRUE(found.packages_removed.empty());
}

TEST(Difference, PackagesAndFolders) {
  auto after = before();
  after.packages = {
      {"bash.x86_64", "4.4"}, {"kernel-core.x86_64", "4.18.0-373"}, {"new.noarch", "3"}};
  after.folders = {{"usr/lib", 400}, {"etc", 12}, {"srv", 1}};
  const auto found = difference(before(), after);
  EXPECT_EQ(found.packages_removed, (std::vector<Change>{{"old.noarch", "1", ""}}));
  EXPECT_EQ(found.packages_added, (std::vector<Change>{{"new.noarch", "", "3"}}));
  EXPECT_EQ(found.packages_changed,
            (std::vector<Change>{{"kernel-core.x86_64", "4.18.0-348", "4.18.0-373"}}));
  ASSERT_EQ(found.folders.size(), 3U);
  EXPECT_EQ(found.folders[0].folder, "usr/lib");
  EXPECT_EQ(found.folders[1].folder, "etc");
}

}  // namespace
}  // namespace cube::insight
