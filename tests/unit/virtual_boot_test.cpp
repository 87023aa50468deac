// The virtual boot without a virtual machine: what QEMU and the guest are told, what counts as
// reached, what a result means. tests/scenario/virtual_boot_test.py starts real guests.
#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "agent/lock.h"
#include "agent/virtual_boot/examination.h"
#include "agent/virtual_boot/overlay.h"
#include "base/io.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

using insight::Grade;
using Words = std::set<std::string>;

void put(const ScratchDir& folder, const std::string& path, const std::string& text) {
  const std::filesystem::path file = folder.path() + "/" + path;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

void link(const ScratchDir& folder, const std::string& path, const std::string& target) {
  const std::filesystem::path file = folder.path() + "/" + path;
  std::filesystem::create_directories(file.parent_path());
  std::filesystem::create_symlink(target, file);
}

Guest guest() {
  static const auto disks = disks_to_try({"virtio_blk"}, nullptr, {});
  Guest guest;
  guest.slot = SlotId::b;
  guest.secret = "0123456789abcdef";
  guest.memory_mib = 512;
  guest.disk = disks.front();
  return guest;
}

std::string after(const std::vector<std::string>& words, const std::string& option) {
  const auto at = std::find(words.begin(), words.end(), option);
  return at == words.end() || at + 1 == words.end() ? "" : *(at + 1);
}

TEST(VirtualGuest, HasNoNetworkAndOnlyReadsTheSlot) {
  const auto words = qemu_arguments("/usr/bin/qemu-system-x86_64", guest());
  EXPECT_EQ(words[0], "/usr/bin/qemu-system-x86_64");
  EXPECT_EQ(after(words, "-nic"), "none");
  EXPECT_EQ(after(words, "-smp"), "1");
  EXPECT_EQ(after(words, "-m"), "512");
  EXPECT_EQ(after(words, "-sandbox"),
            "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
  for (const std::string option : {"-nodefaults", "-no-user-config", "-no-reboot"})
    EXPECT_NE(std::find(words.begin(), words.end(), option), words.end()) << option;
  const auto disk = Json::parse(after(words, "-blockdev")).value();
  EXPECT_EQ(disk.string_at("driver").value(), "qcow2");
  EXPECT_EQ(disk.string_at("node-name").value(), "root");
  const auto below = disk.member("backing").value();
  EXPECT_EQ(below.member("read-only").value().boolean().value(), true);
  EXPECT_EQ(below.member("file").value().member("read-only").value().boolean().value(), true);
  EXPECT_EQ(below.member("file").value().string_at("filename").value(), "/dev/fdset/3");
  EXPECT_EQ(below.member("file").value().string_at("driver").value(), "file");
}

TEST(VirtualGuest, OfADeviceIsReadAsADevice) {
  Guest device = guest();
  device.disk_is_device = true;
  device.kvm = true;
  const auto words = qemu_arguments("qemu", device);
  EXPECT_NE(after(words, "-blockdev").find("host_device"), std::string::npos);
  EXPECT_EQ(after(words, "-accel"), "kvm");
  EXPECT_EQ(after(words, "-cpu"), "host");
}

TEST(VirtualGuest, IsATrialThatKnowsItIsVirtual) {
  const auto words = " " + kernel_arguments(guest()) + " ";
  for (const std::string word :
       {"root=LABEL=cube-b", "cube.slot=b", "cube.virtual=0123456789abcdef", "cube.trial=1",
        "panic=1", "oops=panic", "console=ttyS0,115200", "fstab=no"})
    EXPECT_NE(words.find(" " + word + " "), std::string::npos) << word;
}

TEST(VirtualGuest, OfAnOlderReleaseIsNoTrial) {
  Guest older = guest();
  older.knows_virtual = false;
  EXPECT_EQ(kernel_arguments(older).find("cube.trial"), std::string::npos);
}

TEST(VirtualGuest, TakesOnlyWordsThatMeanSomethingElsewhere) {
  EXPECT_EQ(guest_words("BOOT_IMAGE=/vmlinuz root=LABEL=cube-a ro rootflags=data=ordered "
                        "hugepages=4096 console=tty0 cube.slot=a cube.trial=1 selinux=0 quiet\n"),
            "rootflags=data=ordered selinux=0");
  EXPECT_EQ(guest_words(std::string("init=\x01 init=/x") + std::string(5000, 'a')), "");
  EXPECT_LE(guest_words([] {
              std::string many;
              for (int i = 0; i < 10000; ++i) many += " rootflags=a";
              return many;
            }())
                .size(),
            1024U);
}

TEST(VirtualGuest, ReachesItsGoalByItsOwnSecretAlone) {
  const std::string secret = "0123456789abcdef";
  EXPECT_TRUE(says_reached("x\r\ncube-update: reached 0123456789abcdef\r\n", secret));
  EXPECT_FALSE(says_reached("", secret));
  EXPECT_FALSE(says_reached("cube-update: reached 0123456789abcdef", secret));
  EXPECT_FALSE(says_reached("cube-update: reached 0123456789abcdee\n", secret));
  EXPECT_FALSE(says_reached("cube.virtual=0123456789abcdef\n", secret));
  EXPECT_TRUE(shows_reached("[  OK  ] Reached target \x1b[0;1;39mMulti-User System\x1b[0m.\r\n"));
  EXPECT_TRUE(shows_reached("Reached target multi-user.target - Multi-User System.\n"));
  EXPECT_FALSE(shows_reached("Reached target basic.target - Basic System.\nmulti-user.target\n"));
  EXPECT_FALSE(shows_reached("Reached target multi-user.target"));
}

TEST(VirtualDisk, IsTheMachinesOwnEvenWithoutItsDriver) {
  const Words loadable{"nvme", "virtio_blk", "virtio_pci"};
  auto disks = disks_to_try({"ahci", "pcieport"}, &loadable, {});
  ASSERT_EQ(disks.size(), 1U);
  EXPECT_EQ(disks[0]->driver, "ahci");
  disks = disks_to_try({"megaraid_sas"}, &loadable, {});
  ASSERT_EQ(disks.size(), 1U);
  EXPECT_EQ(disks[0]->controller, "megasas-gen2");
}

TEST(VirtualDisk, IsElseOneThatTheInitramfsKnows) {
  const Words nvme{"nvme"}, only_blk{"virtio_blk"}, hardware{"hpsa", "sd_mod"}, none;
  EXPECT_EQ(disks_to_try({"hpsa"}, &nvme, {}).front()->driver, "nvme");
  EXPECT_EQ(disks_to_try({}, &only_blk, {"virtio_pci"}).front()->driver, "virtio_blk");
  EXPECT_TRUE(disks_to_try({}, &only_blk, {}).empty());
  EXPECT_TRUE(disks_to_try({"hpsa"}, &hardware, {}).empty()) << "only hardware could tell";
  EXPECT_TRUE(disks_to_try({}, nullptr, {}).empty()) << "not known";
  EXPECT_EQ(disks_to_try({}, &none, {}).size(), 1U) << "no driver at all finds no disk anywhere";
}

TEST(VirtualDisk, FindsTheMachinesDriversThroughItsLayers) {
  const ScratchDir folder;
  const std::string pci = "sys/devices/pci0000:00/0000:00:1f.2";
  link(folder, pci + "/driver", "../../../bus/pci/drivers/ahci");
  link(folder, pci + "/ata1/host0/target/0:0:0:0/driver",
       "../../../../../../../bus/scsi/drivers/sd");
  put(folder, pci + "/ata1/host0/target/0:0:0:0/block/sda/sda3/partition", "3");
  link(folder, "sys/class/block/sda3",
       "../../devices/pci0000:00/0000:00:1f.2/ata1/host0/target/0:0:0:0/block/sda/sda3");
  put(folder, "sys/devices/virtual/block/dm-0/dm/name", "slot");
  link(folder, "sys/devices/virtual/block/dm-0/slaves/sda3", "../../../../sda3");
  link(folder, "sys/dev/block/253:0", "../../devices/virtual/block/dm-0");
  EXPECT_EQ(drivers_of_device(folder.root(), makedev(253, 0)), (Words{"ahci", "sd"}));
  EXPECT_TRUE(drivers_of_device(folder.root(), makedev(8, 1)).empty());
}

TEST(VirtualDisk, LayersInACircleEnd) {
  const ScratchDir folder;
  for (const std::string name : {"dm-0", "dm-1"}) {
    link(folder, "sys/class/block/" + name, "../../devices/virtual/block/" + name);
    link(folder,
         "sys/devices/virtual/block/" + name + "/slaves/" + (name == "dm-0" ? "dm-1" : "dm-0"),
         "x");
  }
  link(folder, "sys/dev/block/253:0", "../../devices/virtual/block/dm-0");
  EXPECT_TRUE(drivers_of_device(folder.root(), makedev(253, 0)).empty());
}

TEST(VirtualOverlay, IsAnEmptyImageOverTheDisk) {
  const ScratchDir folder;
  std::filesystem::create_directories(folder.path() + "/var/tmp");
  const auto file = nameless_file(folder.root()).value();
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() + "/var/tmp"));
  ASSERT_TRUE(make_overlay(file, 3ULL << 30));
  std::string bytes;
  ASSERT_TRUE(read_at(file, 0, 72, bytes));
  EXPECT_EQ(bytes.substr(0, 8), std::string("QFI\xfb\0\0\0\x02", 8));
  EXPECT_EQ(bytes.substr(24, 8), std::string("\0\0\0\0\xc0\0\0\0", 8)) << "3 GiB";
  EXPECT_EQ(bytes.substr(36, 4), std::string("\0\0\0\x06", 4)) << "512 MiB for each entry";
  EXPECT_LT(bytes_taken(file).value(), 1U << 20);
  EXPECT_FALSE(make_overlay(file, 0));
  EXPECT_FALSE(make_overlay(file, 1000));
  EXPECT_FALSE(make_overlay(file, 1ULL << 50));
}

// A shell in QEMU's place: descriptors 7 and 8 are its console and its second port.
struct Shell {
  ScratchDir folder;
  Fd disk, overlay, kernel, initramfs;

  Shell() {
    std::filesystem::create_directories(folder.path() + "/var/tmp");
    for (auto* file : {&disk, &overlay, &kernel, &initramfs})
      *file = nameless_file(folder.root()).value();
  }
  GuestRun run(const std::string& script, const GuestLimits& limits) const {
    auto told = run_guest(
        {"/bin/sh", "-c", script}, {disk, overlay, kernel, initramfs}, limits,
        [](std::string_view port, std::string_view) {
          return says_reached(port, "0123456789abcdef");
        },
        [](const Progress&) {});
    return told.value();
  }
};

GuestLimits seconds(int count) {
  GuestLimits limits;
  limits.time = std::chrono::seconds(count);
  return limits;
}

TEST(VirtualRun, EndsWhenTheGoalIsReached) {
  const auto run = Shell().run(
      "echo up >&7; echo cube-update: reached 0123456789abcdef >&8; sleep 1000", seconds(60));
  EXPECT_EQ(run.end, GuestEnd::reached);
  EXPECT_LT(run.took.count(), 30000);
}

TEST(VirtualRun, IsBoundedInTimeHoweverMuchItTalks) {
  auto run = Shell().run("echo Linux version 6 >&7; sleep 1000", seconds(2));
  EXPECT_EQ(run.end, GuestEnd::time_over);
  EXPECT_GE(run.silent.count() * 2, run.took.count());
  run = Shell().run("echo first >&7; while :; do echo x >&7; done", seconds(2));
  EXPECT_EQ(run.end, GuestEnd::time_over);
  EXPECT_LE(run.console.size(), max_console_bytes);
  EXPECT_EQ(run.console.substr(0, 5), "first");
  EXPECT_LT(run.silent.count() * 2, run.took.count());
}

TEST(VirtualRun, IsMuteWithoutAKernelsName) {
  GuestLimits limits = seconds(60);
  limits.first_word = std::chrono::seconds(1);
  EXPECT_EQ(Shell().run("echo Probing EDD >&7; sleep 1000", limits).end, GuestEnd::mute);
}

TEST(VirtualRun, IsBoundedInWhatItWrites) {
  GuestLimits limits = seconds(60);
  limits.overlay_bytes = 1 << 20;
  EXPECT_EQ(Shell().run("head -c 4194304 /dev/zero >&4; sleep 1000", limits).end,
            GuestEnd::overlay_full);
}

TEST(VirtualRun, ThatEndsItselfIsToldFromOneThatDidNotStart) {
  EXPECT_EQ(Shell().run("echo Linux version 6 >&7", seconds(60)).end, GuestEnd::ended);
  const auto run = Shell().run("echo no such device >&2; exit 1", seconds(60));
  EXPECT_EQ(run.end, GuestEnd::not_started);
  EXPECT_EQ(run.qemu, "no such device\n");
  EXPECT_EQ(Shell().run("kill -9 $$", seconds(60)).end, GuestEnd::not_started);
}

TEST(VirtualRun, HasNothingButWhatItIsHandedAndNoPrivileges) {
  const auto run = Shell().run(
      "ls /proc/self/fd | tr '\\n' ' ' >&7; id -u >&7; cat /proc/self/oom_score_adj >&7;"
      "grep -c : /proc/net/dev >&7; awk '/NoNewPrivs/ {print $2}' /proc/self/status >&7",
      seconds(60));
  std::istringstream words(run.console);
  std::vector<std::string> seen;
  for (std::string word; words >> word;) seen.push_back(word);
  // 9: the folder that ls reads.
  ASSERT_GE(seen.size(), 14U) << run.console << run.qemu;
  EXPECT_EQ(seen[9], "9");
  EXPECT_EQ(seen[10], ::geteuid() == 0 ? "65534" : std::to_string(::geteuid()));
  EXPECT_EQ(seen[11], "1000");
  EXPECT_EQ(seen[13], "1");
}

VirtualBoot boot_of(VirtualEnd end) {
  VirtualBoot boot;
  boot.release = "CUBE_2.0.0_20260101-0000_abcd1234";
  boot.commit = "c0ffee";
  boot.end = end;
  boot.seconds = 23;
  boot.disk = "virtio_blk";
  boot.stage = "drivers-missing";
  boot.why = "The disk's driver is missing.";
  boot.evidence = {"one", "Kernel panic"};
  return boot;
}

TEST(VirtualFinding, IsHonestAboutWhatWasNotSeen) {
  const auto finding = virtual_boot_finding(boot_of(VirtualEnd::reached), VirtualPolicy::require);
  EXPECT_EQ(finding.grade, Grade::good);
  EXPECT_EQ(finding.id(), "virtual-boot:CUBE_2.0.0_20260101-0000_abcd1234");
  EXPECT_NE(finding.what.find("in a virtual machine"), std::string::npos);
  EXPECT_NE(finding.what.find("were not exercised"), std::string::npos);
}

TEST(VirtualFinding, CountsAsThePolicySays) {
  for (const auto end : {VirtualEnd::died, VirtualEnd::hung}) {
    EXPECT_EQ(virtual_boot_finding(boot_of(end), VirtualPolicy::warn).grade, Grade::warning);
    EXPECT_EQ(virtual_boot_finding(boot_of(end), VirtualPolicy::require).grade, Grade::refusal);
  }
  for (const auto end : {VirtualEnd::slow, VirtualEnd::impossible}) {
    EXPECT_EQ(virtual_boot_finding(boot_of(end), VirtualPolicy::warn).grade, Grade::unknown);
    EXPECT_EQ(virtual_boot_finding(boot_of(end), VirtualPolicy::require).grade, Grade::refusal);
  }
  const auto died = virtual_boot_finding(boot_of(VirtualEnd::died), VirtualPolicy::warn);
  EXPECT_NE(died.what.find("drivers-missing: The disk's driver is missing. (\"Kernel panic\")"),
            std::string::npos)
      << died.what;
}

TEST(VirtualRecord, IsReadBackAndBounded) {
  const ScratchDir folder;
  const RootDir root = folder.root();
  EXPECT_FALSE(*load_virtual_boot(root));
  const auto boot = boot_of(VirtualEnd::died);
  ASSERT_TRUE(save_virtual_boot(root, boot, std::string(1 << 20, 'x') + "end"));
  EXPECT_EQ(**load_virtual_boot(root), boot);
  const auto console = root.read_file(virtual_console_file, 1 << 20).value();
  EXPECT_EQ(console.size(), 64U * 1024);
  EXPECT_TRUE(console.ends_with("end"));
  ASSERT_TRUE(save_virtual_boot(root, boot_of(VirtualEnd::reached), "console"));
  EXPECT_FALSE(root.exists(virtual_console_file));
  put(folder, virtual_boot_file, R"({"release":"x"})");
  EXPECT_FALSE(load_virtual_boot(root));
}

TEST(VirtualRecord, HoldsForTheSameCommitAlone) {
  EXPECT_TRUE(still_holds(boot_of(VirtualEnd::died), "c0ffee"));
  EXPECT_FALSE(still_holds(boot_of(VirtualEnd::died), "decaff"));
  EXPECT_FALSE(still_holds(boot_of(VirtualEnd::slow), "c0ffee"));
  VirtualBoot unknown = boot_of(VirtualEnd::reached);
  unknown.commit = "";
  EXPECT_FALSE(still_holds(unknown, ""));
}

// An appliance without QEMU, with a slot that has a kernel.
struct WithoutQemu {
  ScratchDir folder, tree;
  Release release;
  std::optional<insight::Inventory> none;

  WithoutQemu() {
    put(tree, "boot/vmlinuz", "kernel");
    put(tree, "boot/initrd.img", "initramfs");
    put(folder, "dev/slot-b", std::string(4096, '\0'));
    std::filesystem::create_directories(folder.path() + "/var/tmp");
    release.name.text = "CUBE_2.0.0_20260101-0000_abcd1234";
    release.commit = "c0ffee";
  }
  insight::Findings look(VirtualPolicy policy, bool demanded = false) {
    const RootDir machine = folder.root(), slot = tree.root();
    const ProgressSink progress([](const Progress&) {});
    VirtualExamination examination(
        machine, policy, {}, [](SlotId) { return Result<std::string>(std::string("dev/slot-b")); });
    if (demanded) examination.demand();
    return examination.look({machine, slot, SlotId::b, release, none, none, progress}).value();
  }
};

TEST(VirtualExamination, WithoutQemuDoesAsThePolicySays) {
  WithoutQemu here;
  EXPECT_TRUE(here.look(VirtualPolicy::off).empty());
  EXPECT_FALSE(here.folder.root().exists(virtual_boot_file));
  auto findings = here.look(VirtualPolicy::warn);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].grade, Grade::unknown);
  EXPECT_NE(findings[0].what.find("there is no QEMU"), std::string::npos) << findings[0].what;
  EXPECT_EQ(here.look(VirtualPolicy::require)[0].grade, Grade::refusal);
  EXPECT_EQ(here.look(VirtualPolicy::off, true)[0].grade, Grade::unknown);
}

TEST(VirtualExamination, IsNotRepeatedForTheSameRelease) {
  WithoutQemu here;
  VirtualBoot known = boot_of(VirtualEnd::reached);
  ASSERT_TRUE(save_virtual_boot(here.folder.root(), known, ""));
  EXPECT_EQ(here.look(VirtualPolicy::require)[0].grade, Grade::good);
  EXPECT_EQ(here.look(VirtualPolicy::require, true)[0].grade, Grade::refusal) << "asked for anew";
  here.release.commit = "decaff";
  ASSERT_TRUE(save_virtual_boot(here.folder.root(), known, ""));
  EXPECT_EQ(here.look(VirtualPolicy::require)[0].grade, Grade::refusal) << "of another release";
}

TEST(VirtualExamination, OfASlotWithoutAKernelSaysSo) {
  WithoutQemu here;
  std::filesystem::remove(here.tree.path() + "/boot/vmlinuz");
  const auto findings = here.look(VirtualPolicy::warn);
  EXPECT_EQ(findings[0].grade, Grade::unknown);
  EXPECT_NE(findings[0].what.find("boot/vmlinuz"), std::string::npos) << findings[0].what;
}

TEST(VirtualGuestAgent, ChangesNothing) {
  const ScratchDir folder;
  put(folder, "proc/cmdline", "root=LABEL=cube-b cube.slot=b cube.virtual=00 cube.trial=1\n");
  const auto lock = take_lock(folder.root());
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().code, Errc::nothing_to_do);
  put(folder, "proc/cmdline", "root=LABEL=cube-b cube.slot=b cube.trial=1\n");
  EXPECT_TRUE(take_lock(folder.root()));
}

}  // namespace
}  // namespace cube
