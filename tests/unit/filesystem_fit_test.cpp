// Filesystems of slots against kernels: real superblocks of mkfs, and a table of kernels.
#include "insight/fit/filesystem_fit.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/spawn.h"
#include "insight/fit/filesystem_features.h"
#include "slots/make_filesystem.h"
#include "slots/superblock.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube::insight {
namespace {

// As Debian 12 has it: both filesystems are modules, and one of them is in the initramfs.
Inventory release_with(const std::string& kernel, const std::string& in_initramfs) {
  Inventory made;
  made.kernel = kernel;
  made.initramfs = "boot/initrd.img";
  made.built_in = {"dm_mod", "sd_mod"};
  made.initramfs_modules = {in_initramfs, "ahci"};
  made.modules = {{"ext4", "kernel/ext4.ko"}, {"xfs", "kernel/xfs.ko"}};
  made.options = {{"CONFIG_EXT4_FS", "m"}, {"CONFIG_XFS_FS", "m"}, {"CONFIG_QUOTA", "y"}};
  return made;
}

std::string told(const Findings& findings) {
  std::string text;
  for (const auto& one : findings) text += std::string(word_for(one.grade)) + " " + one.id() + "\n";
  return text;
}

std::string image_of(const ScratchDir& scratch, const std::vector<std::string>& mkfs) {
  const std::string image = scratch.path() + "/image";
  put(image, "");
  std::filesystem::resize_file(image, 320 * 1024 * 1024);  // what mkfs.xfs asks for at least
  auto command = mkfs;
  command.push_back(image);
  const auto outcome = spawn(command);
  EXPECT_TRUE(outcome && outcome->exit_code == 0) << (outcome ? outcome->output : "");
  return image;
}

TEST(FilesystemFit, WhatTodaysToolsMakeFitsTodaysKernel) {
  for (const auto& mkfs : std::vector<std::vector<std::string>>{
           {"mkfs.ext4", "-q", "-F"},
           {"mkfs.ext4", "-q", "-F", "-O", "^metadata_csum,^64bit"},
           {"mkfs.ext4", "-q", "-F", "-O", "quota,project,orphan_file,metadata_csum_seed"},
           {"mkfs.xfs", "-q"},
           {"mkfs.xfs", "-q", "-i", "nrext64=1"}}) {
    const ScratchDir scratch;
    const auto root = read_superblock(image_of(scratch, mkfs));
    ASSERT_TRUE(root) << root.error().what;
    EXPECT_EQ("mkfs." + root->type, mkfs.front());
    for (const char* kernel : {"6.1.0-42-amd64", "6.12.9"})
      EXPECT_EQ(told(root_filesystem_findings(root, release_with(kernel, root->type), "")),
                "good root-filesystem:" + root->type + "\n");
  }
}

TEST(FilesystemFit, AFeatureThatIsNewerThanTheKernelIsSaidNotToBeKnown) {
  const ScratchDir scratch;
  const auto root = read_superblock(
      image_of(scratch, {"mkfs.ext4", "-q", "-F", "-O", "metadata_csum_seed,casefold"}));
  auto staged = release_with("4.18.0-348.el8.x86_64", "ext4");
  staged.options["CONFIG_UNICODE"] = "y";
  EXPECT_EQ(told(root_filesystem_findings(root, staged, "5.14.0")),
            "good root-filesystem:ext4\nunknown root-filesystem:ext4-casefold\n");
  EXPECT_EQ(told(root_filesystem_findings(root, staged, staged.kernel)),
            "good root-filesystem:ext4\n")
      << "the same kernel has it mounted";
  staged = release_with("6.1.0", "ext4");
  EXPECT_EQ(told(root_filesystem_findings(root, staged, "")),
            "good root-filesystem:ext4\nrefusal root-filesystem:ext4-casefold\n")
      << "without CONFIG_UNICODE the kernel refuses it";
}

TEST(FilesystemFit, NewXfsForAnOldKernelIsNotKnown) {
  const ScratchDir scratch;
  const auto image = image_of(scratch, {"mkfs.xfs", "-q", "-i", "nrext64=1"});
  const auto staged = release_with("5.14.0-427.el9.x86_64", "xfs");
  EXPECT_EQ(told(root_filesystem_findings(read_superblock(image), staged, "")),
            "good root-filesystem:xfs\nunknown root-filesystem:xfs-nrext64\n");
  const auto readable = check_loader_readable(image);
  EXPECT_EQ(told(loader_filesystem_findings("grub", readable)), "refusal loader-filesystem:grub\n");
  EXPECT_EQ(told(loader_filesystem_findings("grub", ok())), "good loader-filesystem:grub\n");
  EXPECT_EQ(told(loader_filesystem_findings("uefi", std::nullopt)), "");
}

TEST(FilesystemFit, ABitThatNobodyKnowsIsRefused) {
  struct Case {
    Filesystem root;
    std::string id;
  };
  const std::vector<Case> cases = {
      {{"ext4", 0x200000 | 0x40, 0, 0}, "ext4-incompat-0x200000"},
      {{"ext4", 0x40, 0x40000000, 0}, "ext4-read-only-0x40000000"},
      {{"ext4", 0x1, 0, 0}, "ext4-compression"},
      {{"xfs", 0x80000000, 0, 0}, "xfs-incompat-0x80000000"},
      {{"xfs", 0x1, 0, 0x100}, "xfs-log-0x100"},
      {{"xfs", 0x11, 0, 0}, "xfs-needs-repair"},
  };
  for (const auto& one : cases) {
    const auto staged = release_with("6.1.0", one.root.type);
    EXPECT_EQ(
        told(root_filesystem_findings(one.root, staged, "6.1.1")),
        "good root-filesystem:" + one.root.type + "\nrefusal root-filesystem:" + one.id + "\n");
    EXPECT_EQ(told(root_filesystem_findings(one.root, staged, "6.1.0")),
              "good root-filesystem:" + one.root.type + "\n");
  }
}

TEST(FilesystemFit, TheDriverIsBuiltInOrInTheInitramfs) {
  const Filesystem ext4{"ext4", 0x42, 0x3, 0};
  auto staged = release_with("6.1.0", "xfs");
  EXPECT_EQ(told(root_filesystem_findings(ext4, staged, "")), "refusal root-filesystem:ext4\n")
      << "in the tree it is of no use";
  staged.built_in.insert("ext4");
  EXPECT_EQ(told(root_filesystem_findings(ext4, staged, "")), "good root-filesystem:ext4\n");
  staged.built_in = {};
  staged.options["CONFIG_EXT4_FS"] = "y";
  EXPECT_EQ(told(root_filesystem_findings(ext4, staged, "")), "good root-filesystem:ext4\n");
  staged.options.clear();
  EXPECT_EQ(told(root_filesystem_findings(ext4, staged, "")), "unknown root-filesystem:ext4\n")
      << "no list says what is built in";
  staged = release_with("6.1.0", "xfs");
  staged.unreadable = {{"initramfs_modules", "boot/initrd.img: is damaged"}};
  EXPECT_EQ(told(root_filesystem_findings(ext4, staged, "")), "unknown root-filesystem:ext4\n");
  staged = release_with("6.1.0", "ext4");
  staged.modules.erase("xfs");
  EXPECT_EQ(told(root_filesystem_findings(ext4, staged, "")), "good root-filesystem:ext4\n")
      << "nothing here is xfs";
  EXPECT_EQ(told(root_filesystem_findings(Error{Errc::corrupt, "x"}, staged, "")),
            "unknown root-filesystem:superblock\n");
}

TEST(FilesystemFit, OldXfsNeedsAKernelThatStillHasIt) {
  Filesystem old{"xfs", 0, 0, 0};
  old.old_format = true;
  auto staged = release_with("6.12.0-55.el10.x86_64", "xfs");
  EXPECT_EQ(told(root_filesystem_findings(old, staged, "")),
            "good root-filesystem:xfs\nrefusal root-filesystem:xfs-version-4\n");
  staged.options["CONFIG_XFS_SUPPORT_V4"] = "y";
  EXPECT_EQ(told(root_filesystem_findings(old, staged, "")), "good root-filesystem:xfs\n");
  EXPECT_EQ(told(root_filesystem_findings(old, release_with("4.18.0-348.el8.x86_64", "xfs"), "")),
            "good root-filesystem:xfs\n");
}

TEST(Superblock, WhatIsNoneIsSaid) {
  EXPECT_EQ(parse_superblock("").error().code, Errc::corrupt);
  EXPECT_EQ(parse_superblock(std::string(superblock_bytes, '\0')).error().code, Errc::corrupt);
  EXPECT_EQ(read_superblock("/nonexistent").error().code, Errc::not_found);
}

TEST(LinuxVersion, IsReadFromAnyRelease) {
  EXPECT_EQ(linux_version("5.14.0-427.el9.x86_64"), (LinuxVersion{5, 14}));
  EXPECT_EQ(linux_version("6.1"), (LinuxVersion{6, 1}));
  for (const char* none : {"", "6", "6.", "x.1", "6-1", "99999999999.1"})
    EXPECT_EQ(linux_version(none), std::nullopt) << none;
}

}  // namespace
}  // namespace cube::insight
