// The examinations of a staged slot on a machine that is laid out in a folder.
#include "agent/foresight/fitness.h"

#include <gtest/gtest.h>
#include <sys/utsname.h>

#include <filesystem>
#include <map>

#include "agent/foresight/root_layers.h"
#include "base/spawn.h"
#include "slots/initramfs/contents.h"
#include "tests/support/efi_programs.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

namespace fs = std::filesystem;
using insight::Grade;
using Told = std::map<std::string, Grade>;

constexpr const char* v2_flags =
    "fpu cx8 cmov mmx fxsr sse sse2 syscall lm pni ssse3 cx16 sse4_1 sse4_2 popcnt lahf_lm";

// A bzImage for x86-64 of that release, as far as anybody looks.
std::string kernel(const std::string& release) {
  std::string head(0x1000, '\0');
  head.replace(0x202, 4, "HdrS");
  head.replace(0x206, 2, "\x0f\x02");
  head.replace(0x20E, 2, std::string("\x00\x08", 2));
  head[0x236] = 1;
  head.replace(0xA00, release.size(), release);
  return head;
}

std::string cpio_of(const std::string& folder, const std::string& files) {
  const auto made = spawn({"/bin/sh", "-c",
                           "cd " + folder + " && printf '" + files +
                               "' | cpio --quiet -o -H newc -F " + folder + "/../image"});
  if (!made || made->exit_code != 0) throw std::runtime_error("cpio");
  return get(folder + "/../image");
}

class FitnessTest : public testing::Test {
 protected:
  FitnessTest() {
    put(folder_ / "proc/cpuinfo",
        "vendor_id : GenuineIntel\nmicrocode : 0x2f\nflags : " + std::string(v2_flags) + "\n");
    put(folder_ / "proc/cmdline", "root=LABEL=cube-a ro quiet cube.slot=a\n");
    put(folder_ / "proc/sys/kernel/osrelease", "6.1.0-42-amd64\n");
    fs::create_directories(folder_ / "var/tmp");
    fs::create_directories(folder_ / "var/lib/cube-update");
    const std::string release = "6.1.0-42-amd64";
    for (const auto& slot : {running_, staged_}) {
      put(slot / "boot/vmlinuz", kernel(release));
      put(slot / "boot/initrd.img", initramfs({"kernel/x86/microcode/GenuineIntel.bin"}));
      put(slot / "lib/modules" / release / "modules.dep", "kernel/megaraid_sas.ko:\n");
      fs::create_directories(slot / "lib64");
      fs::copy_file("/lib64/ld-linux-x86-64.so.2", slot / "lib64/ld-linux-x86-64.so.2");
      put(slot / "etc/os-release",
          "ID=rocky\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\n");
    }
    make_filesystem("metadata_csum");
    inventory_->kernel = release;
    inventory_->initramfs = "boot/initrd.img";
    inventory_->built_in = {"sd_mod"};
    inventory_->initramfs_modules = {"ext4"};
    inventory_->modules = {{"megaraid_sas", "kernel/megaraid_sas.ko"}};
    inventory_->options = {{"CONFIG_EXT4_FS", "m"}};
  }

  void make_filesystem(const std::string& features) {
    put(folder_ / "dev/slot-b", "");
    fs::resize_file(folder_ / "dev/slot-b", 8 << 20);
    const auto made =
        spawn({"mkfs.ext4", "-q", "-F", "-O", "^metadata_csum_seed,^orphan_file," + features,
               folder_ / "dev/slot-b"});
    ASSERT_TRUE(made && made->exit_code == 0) << made->output;
  }

  static std::string initramfs(const std::vector<std::string>& files) {
    const ScratchDir scratch;
    std::string names;
    for (const auto& file : files) {
      put(fs::path(scratch.path()) / "tree" / file, "x");
      names += file + "\\n";
    }
    return cpio_of(scratch.path() + "/tree", names);
  }

  // Variables as efivarfs shows them; `on` is SecureBoot's.
  void lay_out_uefi(bool on) const {
    variable("SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", on ? "\x01" : std::string(1, '\0'));
    variable("SbatLevelRT-605dab50-e046-4300-abb6-3dd810dd8b23", "sbat,1,2021030218\n");
    put(folder_ / "boot/efi/EFI/BOOT/BOOTX64.EFI",
        small_program("sbat,1,x\nshim,4,y\n",
                      shim_levels("sbat,1,2022052400\ngrub,2\n", "sbat,1,9\n")));
    put(folder_ / "boot/efi/EFI/BOOT/grubx64.efi", small_program("sbat,1,x\ngrub,4,y\n", ""));
    for (const auto& slot : {running_, staged_})
      put(slot / "boot/vmlinuz", signed_program(small_program("", ""), "by somebody"));
  }
  void variable(const std::string& name, const std::string& value) const {
    put(folder_ / "sys/firmware/efi/efivars" / name, std::string("\x06\0\0\0", 4) + value);
  }

  Told told() {
    FitnessPorts ports;
    ports.loader = loader_;
    ports.esp = "boot/efi";
    ports.device_of = [](SlotId) -> Result<std::string> { return std::string("dev/slot-b"); };
    ports.look_into = [this](SlotId slot) {
      return MountedSlot::open(root_, slot, {true, "slots/" + std::string(to_string(slot))}, false,
                               Access::read);
    };
    ports.records = [this]() -> Result<BootState> { return BootState{fallback_, {}, false}; };
    ports.seal_of = [](SlotId) -> Result<std::optional<Seal>> {
      Seal seal;
      seal.release = "R";
      return std::optional(seal);
    };
    const auto tree = root_.below("slots/b").value();
    const std::optional<insight::Inventory> none;
    const ProgressSink quiet = [](const Progress&) {};
    const Prospect prospect{root_, tree, SlotId::b, release_, inventory_, none, quiet};
    Told all;
    for (const auto& examination : fitness_examinations(ports)) {
      const auto found = examination.look(prospect);
      EXPECT_TRUE(found) << examination.name << ": " << found.error().what;
      for (const auto& one : found ? *found : insight::Findings{}) {
        EXPECT_EQ(one.check, examination.name);
        if (one.grade != Grade::good) all[one.id()] = one.grade;
        seen_ += one.id() + " ";
      }
    }
    return all;
  }

  ScratchDir scratch_;
  fs::path folder_ = scratch_.path();
  fs::path running_ = folder_ / "slots/a", staged_ = folder_ / "slots/b";
  RootDir root_ = scratch_.root();
  std::string loader_ = "grub";
  SlotId fallback_ = SlotId::a;
  std::optional<insight::Inventory> inventory_ = insight::Inventory{};
  Release release_;
  std::string seen_;
};

TEST_F(FitnessTest, AReleaseThatLacksOnlyWhatIsNotNeededFits) {
  inventory_->modules.erase("floppy");
  EXPECT_EQ(told(), Told{});
  EXPECT_EQ(seen_,
            "root-filesystem:ext4 loader-filesystem:grub cpu-level:machine cpu-level:userland "
            "microcode:GenuineIntel kernel-argument:all fallback:slot space:state ");
}

TEST_F(FitnessTest, WhatKeepsItFromStartingIsRefused) {
  inventory_->initramfs_modules.clear();
  put(folder_ / "proc/cpuinfo", "flags : fpu cx8 cmov mmx fxsr sse sse2 syscall lm\n");
  put(folder_ / "proc/cmdline",
      "root=LABEL=cube-a init=/sbin/other megaraid_sas.a=1 rd.luks.uuid=1\n");
  inventory_->modules.clear();
  fs::remove(running_ / "boot/initrd.img");
  fallback_ = SlotId::b;
  EXPECT_EQ(told(), (Told{{"root-filesystem:ext4", Grade::refusal},
                          {"cpu-level:userland", Grade::refusal},
                          {"kernel-argument:init", Grade::refusal},
                          {"kernel-argument:megaraid_sas", Grade::warning},
                          {"kernel-argument:rd.luks", Grade::unknown},
                          {"fallback:records", Grade::refusal},
                          {"fallback:boot/initrd.img", Grade::refusal}}));
}

TEST_F(FitnessTest, AFilesystemThatTheLoaderCannotReadIsRefused) {
  make_filesystem("metadata_csum,metadata_csum_seed");
  EXPECT_EQ(told(), (Told{{"loader-filesystem:grub", Grade::refusal}}));
  loader_ = "u-boot";
  EXPECT_EQ(told(), Told{}) << "of it no list is known here";
}

TEST_F(FitnessTest, WithoutAnInventoryItSaysWhatItDoesNotKnow) {
  inventory_.reset();
  EXPECT_EQ(told(), (Told{{"root-filesystem:ext4", Grade::unknown}}));
}

TEST_F(FitnessTest, TheKernelOfTheWayBackNeedsItsModules) {
  fs::rename(running_ / "lib/modules/6.1.0-42-amd64", running_ / "lib/modules/6.1.0-43-amd64");
  EXPECT_EQ(told(), (Told{{"fallback:kernel", Grade::refusal}}));
}

TEST_F(FitnessTest, MicrocodeThatTheReleaseLacksIsAWarning) {
  put(staged_ / "boot/initrd.img", initramfs({"init"}));
  EXPECT_EQ(told(), (Told{{"microcode:GenuineIntel", Grade::warning}}));
}

TEST_F(FitnessTest, SecureBootThatIsOffIsNoMatter) {
  lay_out_uefi(false);
  const auto found = told();
  EXPECT_EQ(found.count("secure-boot:state"), 0U);
  EXPECT_NE(seen_.find("secure-boot:state"), std::string::npos);
}

TEST_F(FitnessTest, SecureBootLooksAtBothChains) {
  lay_out_uefi(true);
  auto found = told();
  std::erase_if(found, [](const auto& one) { return !one.first.starts_with("secure-boot"); });
  EXPECT_EQ(found, Told{});
  variable("SbatLevelRT-605dab50-e046-4300-abb6-3dd810dd8b23",
           "sbat,1,2025021800\nshim,4\ngrub,5\n");
  put(staged_ / "boot/vmlinuz", small_program("", ""));
  found = told();
  std::erase_if(found, [](const auto& one) { return !one.first.starts_with("secure-boot"); });
  EXPECT_EQ(found, (Told{{"secure-boot:esp/EFI/BOOT/grubx64.efi", Grade::refusal},
                         {"secure-boot:slot-b/boot/vmlinuz", Grade::refusal}}))
      << "revoked, and not signed";
}

TEST_F(FitnessTest, AFullFirmwareOrPartitionIsOnlyAskedOfLoadersThatUseIt) {
  loader_ = "uefi";
  const auto found = told();
  EXPECT_EQ(found.at("space:nvram"), Grade::refusal) << "there is no efivarfs";
  EXPECT_EQ(found.at("space:esp"), Grade::unknown) << "there is no partition to look at";
}

TEST_F(FitnessTest, LayersBelowADeviceAreFollowedToItsDisks) {
  // LVM on LUKS on a RAID of two partitions.
  const fs::path sys = folder_ / "sys/devices/virtual/block";
  put(sys / "dm-1/dm/uuid", "LVM-abc\n");
  put(sys / "dm-0/dm/uuid", "CRYPT-LUKS2-abc-luks\n");
  fs::create_directories(sys / "md0/md");
  put(folder_ / "sys/devices/pci/sda/sda1/partition", "1\n");
  const auto link = [&](const fs::path& from, const std::string& to) {
    fs::create_directories(from.parent_path());
    fs::create_symlink(to, from);
  };
  link(folder_ / "sys/dev/block/253:1", "../../devices/virtual/block/dm-1");
  link(folder_ / "sys/dev/block/8:1", "../../devices/pci/sda/sda1");
  link(sys / "dm-1/slaves/dm-0", "../../dm-0");
  link(sys / "dm-0/slaves/md0", "../../md0");
  link(sys / "md0/slaves/sda1", "../../../../pci/sda/sda1");
  EXPECT_EQ(layers_below(root_, "253:1").value(), (insight::Names{"luks", "lvm", "raid"}));
  EXPECT_EQ(layers_below(root_, "8:1").value(), insight::Names{});
  EXPECT_EQ(layers_below(root_, "8:2").error().code, Errc::not_found);
  link(folder_ / "sys/devices/pci/sda/slaves/sda", "../../sda");
  EXPECT_FALSE(layers_below(root_, "8:1")) << "a ring has an end";
}

}  // namespace
}  // namespace cube
