// Differences: what is told, in which order, and what is not told because nobody can know it.
#include "insight/difference/difference_screen.h"

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
  made.initramfs_tools = {"lvm", "e2fsck"};
  made.microcode = {{"intel", "40 aa"}, {"amd", "9 bb"}};
  made.module_versions = {{"megaraid_sas", "07.719.03"}, {"floppy", "1"}};
  made.mkfs_features = {{"mke2fs ext4.features", "has_journal"}};
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
  after.firmware["a.bin"] = "5 cc";
  after.initramfs_tools.erase("lvm");
  after.microcode.erase("amd");
  after.module_versions = {{"megaraid_sas", "07.714.04"}};
  after.mkfs_features = {{"mke2fs ext4.features", "has_journal,orphan_file"}};
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
  EXPECT_EQ(
      harms(found),
      (Rows{"not-known folders", "initramfs-driver-gone megaraid_sas",
            "initramfs-firmware-gone a.bin", "initramfs-tool-gone lvm", "microcode-gone amd",
            "module-gone floppy", "module-fewer-devices megaraid_sas",
            "module-version-down megaraid_sas", "firmware-gone b.bin", "option-off CONFIG_B",
            "module-not-built-in dm_mod", "unit-gone ntp.service", "unit-not-enabled sshd.service",
            "arguments-changed etc/kernel/cmdline", "mkfs-changed mke2fs ext4.features",
            "setuid-new usr/bin/new", "setuid-changed usr/bin/su"}));
  EXPECT_EQ(found.harms.at(Harm::initramfs_driver_gone)[0],
            (Change{"megaraid_sas", "", "in the tree"}));
  EXPECT_EQ(found.harms.at(Harm::module_fewer_devices)[0], (Change{"megaraid_sas", "43", "38"}));
  EXPECT_EQ(found.firmware_changed, (std::vector<Change>{{"a.bin", "5 aa", "5 cc"}}));
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

TEST(Difference, AnOlderInventoryIsToldInOneRow) {
  auto old = before();
  old.microcode.clear();
  old.module_versions.clear();
  old.absent = {"microcode", "module_versions"};
  EXPECT_EQ(harms(difference(before(), old)), Rows{"not-known microcode, module_versions"});
  EXPECT_EQ(harms(difference(old, before())), Rows{"not-known microcode, module_versions"});
}

// The machine of the seed's story.
MachineUse in_use() {
  return {{"megaraid_sas", "xfs", "ext4", "dm_mod"}, {"a.bin"}, ""};
}

TEST(Here, TellsWhatThisMachineUsesAndNothingElse) {
  auto after = before();
  after.initramfs_modules.clear();
  after.modules.erase("floppy");
  after.aliases["megaraid_sas"] = "38 cc";
  after.firmware = {{"a.bin", "5 cc"}};
  after.units.clear();
  const auto from = before();
  const auto found = difference(from, after);
  auto use = in_use();
  const auto here = harms_here(use, from, after, found);
  EXPECT_EQ(harms({"", "", here.harms, {}, {}, {}, {}, {}, {}}),
            (Rows{"initramfs-driver-gone ext4", "initramfs-driver-gone megaraid_sas",
                  "module-fewer-devices megaraid_sas", "firmware-changed a.bin"}));
  const auto text = difference_text(found, {"one", "two"}, &here);
  EXPECT_LT(text.find("!! in use on this machine: drivers gone"), text.find("! drivers gone"));
  use.modules.insert("nvidia");
  EXPECT_EQ(harms_here(use, from, after, found).harms.at(Harm::module_gone),
            (std::vector<Change>{{"nvidia", "not of a release", ""}}));
}

TEST(Here, WhatCouldNotBeComparedIsSaid) {
  auto after = before();
  after.modules.clear();
  after.unreadable = {{"modules", "why"}, {"packages", "why"}};
  const auto from = before();
  const auto here = harms_here(in_use(), from, after, difference(from, after));
  EXPECT_EQ(harms({"", "", here.harms, {}, {}, {}, {}, {}, {}}), Rows{"not-known modules"});
  const Here not_known{0, 0, "the list of loaded modules cannot be read", {}};
  const auto found = difference(from, from);
  EXPECT_NE(difference_text(found, {"a", "b"}, &not_known).find("cannot be read"),
            std::string::npos);
  EXPECT_NE(difference_page(found, {"a", "b"}, &not_known).find("cannot be read"),
            std::string::npos);
}

TEST(Difference, NamesAreEscapedOnThePage) {
  auto after = before();
  after.setuid["usr/bin/<script>\"x'&"] = "4755";
  const auto page = difference_page(difference(before(), after), {"<a>", "b&"});
  EXPECT_EQ(page.find("<script>"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;&quot;x&#39;&amp;"), std::string::npos);
  EXPECT_NE(page.find("<h1>b&amp;</h1>"), std::string::npos);
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
