// Inventories: the lists that they are made of, their file, and the trees that they are taken of.
#include "insight/inventory/inventory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "insight/inventory/filesystems.h"
#include "insight/inventory/microcode.h"
#include "insight/inventory/module_info.h"
#include "insight/inventory/take_inventory.h"
#include "insight/inventory/tree_lists.h"
#include "tests/support/kernel_module.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube::insight {
namespace {

TEST(TreeLists, DpkgNamesWhatIsInstalled) {
  const auto found = dpkg_packages(
      "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1\n"
      "Description: a shell\n Package: not this\n\n"
      "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n\n"
      "Package: never\nStatus: unknown ok not-installed\nArchitecture: amd64\n\n"
      "Package: half\nStatus: install ok half-configured\nArchitecture: all\nVersion: 2");
  EXPECT_EQ(found, (Entries{{"bash:amd64", "5.2-1"}, {"half:all", "2"}}));
}

TEST(TreeLists, APackageTwiceHasBothVersions) {
  const std::string one = "Package: kernel\nArchitecture: amd64\nVersion: ";
  EXPECT_EQ(dpkg_packages(one + "2\n\n" + one + "1\n"), (Entries{{"kernel:amd64", "1 2"}}));
  EXPECT_EQ(dpkg_packages(one + "2\n\n" + one + "3\n\n" + one + "2\n\n" + one + "1\n"),
            (Entries{{"kernel:amd64", "1 2 3"}}));
}

TEST(TreeLists, OptionsThatAreNotSetAreNone) {
  EXPECT_EQ(
      kernel_options("# Linux\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=\"text = x\"\nX=y\n"),
      (Entries{{"CONFIG_A", "y"}, {"CONFIG_C", "\"text = x\""}}));
}

TEST(TreeLists, ModulesHaveTheKernelsNames) {
  EXPECT_EQ(built_in_modules("kernel/fs/ext4/ext4.ko\nkernel/drivers/scsi/sd-mod.ko\n\nreadme\n"),
            (Names{"ext4", "sd_mod"}));
  EXPECT_EQ(module_name("kernel/a-b.ko.xz"), "a_b");
  EXPECT_EQ(module_name("kernel/a-b.o"), "");
  EXPECT_EQ(module_file("kernel/a-b.ko.zst"), "kernel/a-b.ko");
}

TEST(TreeLists, AliasesAreCountedWhateverTheirOrder) {
  const auto one =
      module_aliases("# x\nalias pci:1 sd-mod\nalias pci:2 sd_mod\nalias a b\nalias\n");
  const auto two = module_aliases(
      "alias a b\nalias pci:2 sd_mod\nalias pci:1 sd_mod\n"
      "alias pci:1 sd_mod\n");
  EXPECT_EQ(one, two);
  EXPECT_EQ(one.at("sd_mod").substr(0, 2), "2 ");
  EXPECT_NE(one.at("sd_mod"),
            module_aliases("alias pci:1 sd_mod\nalias pci:3 sd_mod").at("sd_mod"));
}

TEST(TreeLists, TheLastLineOfGrubsSettingsCounts) {
  EXPECT_EQ(grub_arguments("GRUB_CMDLINE_LINUX=\"a\"\nGRUB_CMDLINE_LINUX='quiet b'\n"
                           "GRUB_CMDLINE_LINUX_DEFAULT=c\n#GRUB_CMDLINE_LINUX=d\n"),
            (Entries{{"GRUB_CMDLINE_LINUX", "quiet b"}, {"GRUB_CMDLINE_LINUX_DEFAULT", "c"}}));
}

TEST(Inventory, TextBecomesReadable) {
  EXPECT_EQ(readable("gr\xc3\xbc\xc3\x9f.bin"), "gr\xc3\xbc\xc3\x9f.bin");
  EXPECT_EQ(readable("a\nb\x1b[2J\x7f"), "a\\x0ab\\x1b[2J\\x7f");
  EXPECT_EQ(readable("\xff\xc0\x80\xc2\x85\xed\xa0\x80"),
            "\\xff\\xc0\\x80\\xc2\\x85\\xed\\xa0\\x80");
  for (const std::string piece : {"x", "\n", "\xc3\xbc"}) {
    std::string text;
    while (text.size() < 5000) text += piece;
    const auto cut = readable(text);
    EXPECT_LE(cut.size(), max_text);
    EXPECT_TRUE(cut.ends_with("..."));
    EXPECT_EQ(readable(cut), cut);
  }
}

Inventory example() {
  Inventory made;
  made.kernel = "6.1";
  made.initramfs = "boot/initrd.img";
  made.kernels = {"6.1"};
  made.packages = {{"bash:amd64", "5"}};
  made.modules = {{"ext4", "kernel/fs/ext4.ko"}};
  made.initramfs_modules = {"ext4"};
  made.folders = {{"usr/lib", 5}};
  made.unreadable = {{"options", "boot/config-6.1: is no regular file, or too large"}};
  return made;
}

TEST(Inventory, IsReadBackAsItWasWritten) {
  const auto text = inventory_text(example());
  const auto back = read_inventory(text);
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(*back, example());
  EXPECT_EQ(inventory_text(*back), text);
}

TEST(Inventory, OfAnOlderProgramLacksPartsAndSaysSo) {
  auto made = example();
  for (const char* part :
       {"filesystems", "initramfs_tools", "microcode", "mkfs_features", "module_versions"})
    made.absent.insert(part);
  const auto text = inventory_text(made);
  EXPECT_EQ(text.find("microcode"), std::string::npos);
  const auto back = read_inventory(text);
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(*back, made);
  EXPECT_FALSE(back->knows("microcode"));
  EXPECT_TRUE(back->knows("modules"));
  const auto without = std::string(text).erase(text.find("\"units\":[],"), 11);
  EXPECT_FALSE(read_inventory(without)) << "what every inventory has must be there";
}

TEST(Inventory, WhatIsNoneIsRefused) {
  const auto text = inventory_text(example());
  for (std::size_t size = 0; size + 1 < text.size(); size += 7)
    EXPECT_FALSE(read_inventory(text.substr(0, size)));
  for (const auto& [word, other] : {std::pair{"\"format\":1", "\"format\":2"},
                                    std::pair{"\"bash:amd64\":\"5\"", "\"bash:amd64\":5"},
                                    std::pair{"\"usr/lib\":5", "\"usr/lib\":-5"},
                                    std::pair{"\"kernel\":\"6.1\"", "\"kernel\":\"6\\u001b\""},
                                    std::pair{"\"units\":[]", "\"units\":{}"}}) {
    auto changed = text;
    const auto at = changed.find(word);
    ASSERT_NE(at, std::string::npos) << word;
    changed.replace(at, std::string(word).size(), other);
    EXPECT_FALSE(read_inventory(changed)) << other;
  }
}

TEST(ModuleInfo, IsReadWithinItsBounds) {
  const auto read_of = [](const std::string& bytes) {
    return [&bytes](std::uint64_t at, std::size_t count) -> Result<std::string> {
      return at < bytes.size() ? bytes.substr(at, count) : std::string();
    };
  };
  const auto whole =
      kernel_module(std::string("firmware=a\0version=2\0firmware=b\0versions=3", 42));
  const auto section = modinfo_section(read_of(whole));
  ASSERT_TRUE(section) << section.error().what;
  EXPECT_EQ(modinfo_values(*section, "firmware"), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_EQ(modinfo_values(*section, "version"), (std::vector<std::string_view>{"2"}));
  EXPECT_TRUE(modinfo_values(*section, "none").empty());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = whole.substr(0, size);
    EXPECT_FALSE(modinfo_section(read_of(cut))) << size;
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto odd = whole;
    odd[at] = '\xff';
    const auto found = modinfo_section(read_of(odd));
    if (found) {
      EXPECT_LE(found->size(), whole.size());
    }
  }
}

TEST(Microcode, IsCounted) {
  std::string one(2048, '\0');
  one[0] = 1;  // a header's version; its size 0 stands for 2048
  std::string other(3072, '\0');
  other[0] = 1;
  other[33] = 12;
  EXPECT_EQ(microcode_updates("intel", one + other + one), 3U);
  EXPECT_EQ(microcode_updates("intel", one + "rest"), 1U);
  EXPECT_EQ(microcode_updates("intel", one + other.substr(0, 3000)), 1U);
  const std::string magic("DMA\0", 4), table("\0\0\0\0\2\0\0\0ab", 10),
      patch("\1\0\0\0\3\0\0\0abc", 11);
  EXPECT_EQ(microcode_updates("amd", magic + table + patch + patch + magic + table + patch), 3U);
  EXPECT_EQ(microcode_updates("amd", magic + table + patch + patch.substr(0, 9)), 2U);
  EXPECT_EQ(microcode_updates("amd", ""), 0U);
  EXPECT_EQ(microcode_vendor("./kernel/x86/microcode/GenuineIntel.bin"), "intel");
  EXPECT_EQ(microcode_vendor("kernel/x86/microcode/AuthenticAMD.bin"), "amd");
  EXPECT_EQ(microcode_vendor("kernel/x86/microcode/../../init"), "");
}

TEST(Filesystems, AreNamedByTheirFolder) {
  EXPECT_EQ(
      filesystem_modules("kernel/fs/xfs/xfs.ko\nkernel/fs/fat/vfat.ko\nkernel/fs/nls/nls_ascii.ko\n"
                         "kernel/drivers/scsi/scsi.ko\nkernel/fs/binfmt_misc.ko\n"),
      (Names{"vfat", "xfs"}));
  EXPECT_EQ(
      mke2fs_features("[defaults]\n\tbase_features = a,b\n# features = no\n[fs_types]\next4 = {\n"
                      "features = c\nblocksize = 1\n}\n\tfeatures = d\n"),
      (Entries{{"base_features", "a,b"}, {"ext4.features", "c"}, {"features", "d"}}));
}

class TakenInventory : public testing::Test {
 protected:
  void file(const std::string& path, const std::string& text) {
    put(scratch_.path() + "/" + path, text);
  }
  void link(const std::string& path, const std::string& target) {
    const std::filesystem::path place = scratch_.path() + "/" + path;
    std::filesystem::create_directories(place.parent_path());
    std::filesystem::create_symlink(target, place);
  }
  Inventory take() {
    auto taken = take_inventory(scratch_.root(), readers_);
    EXPECT_TRUE(taken);
    const auto back = read_inventory(inventory_text(*taken));
    EXPECT_TRUE(back && *back == *taken);
    return *taken;
  }

  ScratchDir scratch_;
  TreeReaders readers_{
      [](const Fd&, const std::string&) -> Result<InitramfsNames> {
        return InitramfsNames{{"ext4"}, {"a.bin"}, {"e2fsck"}, {{"intel", "3 0123456789abcdef"}}};
      },
      [](const Fd&, const std::string& name) -> Result<std::string> {
        if (name.ends_with("damaged.ko.xz"))
          return Error{Errc::invalid, name + ": cannot be decompressed"};
        return kernel_module(std::string("version=2.1\0", 12));
      },
      [](const RootDir& database) -> Result<Entries> {
        if (!database.exists("rpmdb.sqlite")) return Entries{};
        return Error{Errc::corrupt, "rpm's database cannot be opened"};
      },
      [](const std::string& path) { return path.starts_with("/proc/"); }};
};

TEST_F(TakenInventory, AnEmptyTreeHasEmptyLists) {
  EXPECT_EQ(take(), Inventory{});
}

TEST_F(TakenInventory, FindsEachKind) {
  const std::string modules = "usr/lib/modules/6.1.0-10/";
  file("boot/vmlinuz-6.1.0-10", "kernel");
  link("boot/vmlinuz", "vmlinuz-6.1.0-10");
  file("boot/initrd.img", "image");
  file("boot/config-6.1.0-10", "CONFIG_A=m\n");
  file("usr/lib/modules/6.1.0-9/kernel/old.ko", "x");
  file(modules + "kernel/fs/ext4/ext4.ko.xz", "x");
  file(modules + "kernel/plain.ko", kernel_module(std::string("license=x\0version=1.0-k\0", 24)));
  file(modules + "kernel/none.ko", kernel_module(std::string("license=x\0", 10)));
  file(modules + "modules.builtin", "kernel/fs/xfs/xfs.ko\n");
  file("etc/mke2fs.conf", "[fs_types]\n\text4 = {\n\t\tfeatures = has_journal,64bit\n\t}\n");
  file(modules + "modules.alias", "alias fs-ext4 ext4\n");
  file("usr/lib/firmware/intel/a.bin.xz", "12345");
  link("usr/lib/firmware/b.bin", "intel/a.bin");
  file("var/lib/dpkg/status", "Package: bash\nVersion: 5\nArchitecture: amd64\n");
  file("etc/default/grub", "GRUB_CMDLINE_LINUX=quiet\n");
  file("usr/lib/systemd/system/a.service", "");
  file("usr/lib/systemd/system/b.service", "");
  file("usr/lib/systemd/system/a.service.d/override.conf", "");
  link("etc/systemd/system/multi-user.target.wants/a.service", "/usr/lib/systemd/system/a.service");
  link("etc/systemd/system/b.service", "/dev/null");
  file("usr/bin/su", "su");
  ::chmod((scratch_.path() + "/usr/bin/su").c_str(), 04755);
  file("proc/1", "left out");
  file(inventory_path, "never itself");
  const auto found = take();
  EXPECT_EQ(found.kernel, "6.1.0-10");
  EXPECT_EQ(found.kernels, (Names{"6.1.0-10", "6.1.0-9"}));
  EXPECT_EQ(found.initramfs, "boot/initrd.img");
  EXPECT_EQ(found.initramfs_modules, Names{"ext4"});
  EXPECT_EQ(found.options, (Entries{{"CONFIG_A", "m"}}));
  EXPECT_EQ(found.modules, (Entries{{"ext4", "kernel/fs/ext4/ext4.ko"},
                                    {"none", "kernel/none.ko"},
                                    {"plain", "kernel/plain.ko"}}));
  EXPECT_EQ(found.built_in, Names{"xfs"});
  EXPECT_EQ(found.module_versions, (Entries{{"ext4", "2.1"}, {"plain", "1.0-k"}}));
  EXPECT_EQ(found.filesystems, (Entries{{"ext4", "in the initramfs"}, {"xfs", "built in"}}));
  EXPECT_EQ(found.mkfs_features, (Entries{{"mke2fs ext4.features", "has_journal,64bit"}}));
  EXPECT_EQ(found.initramfs_tools, Names{"e2fsck"});
  EXPECT_EQ(found.microcode, (Entries{{"intel", "3 0123456789abcdef"}}));
  EXPECT_EQ(found.aliases.at("ext4").substr(0, 2), "1 ");
  EXPECT_EQ(found.firmware,
            (Entries{{"intel/a.bin", "5 " + short_digest("12345")}, {"b.bin", "-> intel/a.bin"}}));
  EXPECT_EQ(found.packages, (Entries{{"bash:amd64", "5"}}));
  EXPECT_EQ(found.arguments, (Entries{{"GRUB_CMDLINE_LINUX", "quiet"}}));
  EXPECT_EQ(found.units, Names{"a.service"});
  EXPECT_EQ(found.enabled, Names{"a.service"});
  EXPECT_EQ(found.setuid, (Entries{{"usr/bin/su", "4755"}}));
  EXPECT_EQ(found.folders.at("usr/bin"), 2U);
  EXPECT_EQ(found.folders.count("proc"), 0U);
  EXPECT_EQ(found.folders.count("usr/lib/cube-update"), 0U);
  EXPECT_TRUE(found.unreadable.empty());
}

TEST_F(TakenInventory, AnOddTreeIsToldOf) {
  file("usr/lib/modules/6.1/kernel/x.ko", "x");
  file("usr/lib/modules/6.1/kernel/damaged.ko.xz", "x");
  ASSERT_EQ(::mkdir((scratch_.path() + "/boot").c_str(), 0755), 0);
  ASSERT_EQ(::mkfifo((scratch_.path() + "/boot/config-6.1").c_str(), 0644), 0);
  ASSERT_EQ(::mkfifo((scratch_.path() + "/usr/lib/modules/6.1/modules.alias").c_str(), 0644), 0);
  link("boot/initrd.img", "initrd.img");  // to itself
  link("var/lib/dpkg/status", "/var/lib/dpkg/status");
  file("etc/default/grub/folder", "instead of a file");
  link("usr/loop", "..");
  file("usr/lib/firmware/\xff\n.bin", "x");
  file("var/lib/rpm/rpmdb.sqlite", "x");
  const auto found = take();
  for (const char* part : {"options", "aliases", "initramfs_modules", "initramfs_firmware",
                           "packages", "arguments", "module_versions", "microcode"})
    EXPECT_FALSE(found.knows(part)) << part;
  EXPECT_TRUE(found.knows("modules"));
  EXPECT_EQ(found.firmware.begin()->first, "\\xff\\x0a.bin");
  for (const auto& one : found.unreadable)
    EXPECT_EQ(one.why.find(scratch_.path()), std::string::npos) << one.why;
}

TEST_F(TakenInventory, AHugeStatusIsCutAndSaid) {
  std::string status;
  for (int i = 0; i < 20000; ++i)
    status += "Package: p" + std::to_string(i) + "\nVersion: 1\nArchitecture: amd64\n\n";
  file("var/lib/dpkg/status", status);
  auto found = take();
  EXPECT_EQ(found.packages.size(), 15000U);
  EXPECT_FALSE(found.knows("packages"));
  std::filesystem::resize_file(scratch_.path() + "/var/lib/dpkg/status", 65 * 1024 * 1024);
  found = take();
  EXPECT_TRUE(found.packages.empty());
  EXPECT_FALSE(found.knows("packages"));
}

TEST_F(TakenInventory, LongNamesStayWithinTheBytes) {
  std::string status;
  for (int i = 0; i < 5000; ++i)
    status += "Package: " + std::string(1000, '\\') + std::to_string(i) + "\nVersion: 1\n\n";
  file("var/lib/dpkg/status", status);
  const auto found = take();
  EXPECT_FALSE(found.knows("packages"));
  EXPECT_LT(inventory_text(found).size(), max_part_bytes + 2000);
}

TEST_F(TakenInventory, ADamagedInitramfsIsToldAndAFullDiskIsNot) {
  file("boot/initrd.img", "image");
  readers_.initramfs = [](const Fd&, const std::string& name) -> Result<InitramfsNames> {
    return Error{Errc::invalid, name + ": is cut off at byte 5"};
  };
  const auto found = take();
  EXPECT_EQ(found.initramfs, "boot/initrd.img");
  EXPECT_FALSE(found.knows("initramfs_modules"));
  readers_.initramfs = [](const Fd&, const std::string&) -> Result<InitramfsNames> {
    return Error{Errc::no_space, "scratch is full"};
  };
  EXPECT_FALSE(take_inventory(scratch_.root(), readers_));
}

}  // namespace
}  // namespace cube::insight
