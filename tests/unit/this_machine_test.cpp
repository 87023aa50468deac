// Machines: which devices the root, the network and the console of each hang on.
#include "insight/machine/this_machine.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "insight/machine/proc_lists.h"
#include "tests/support/machine_tree.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube::insight {
namespace {

ThisMachine machine_of(const RootDir& root, const std::vector<std::string>& more = {}) {
  auto found = this_machine(root, more);
  EXPECT_TRUE(found);
  return found ? *found : ThisMachine{};
}

ThisMachine machine_named(const std::string& name) {
  ScratchDir scratch;
  lay_out_machine(CUBE_MACHINES, name, scratch.path());
  return machine_of(scratch.root());
}

ThisMachine machine_with(const std::string& lines) {
  ScratchDir scratch;
  lay_out_lines(lines, scratch.path());
  return machine_of(scratch.root());
}

std::string drivers(const Chain& chain) {
  std::string text;
  for (const auto& device : chain.devices) text += (text.empty() ? "" : " ") + device.driver;
  return text;
}

struct Row {
  const char *name, *root, *drivers;
};
// Not its bytes, which differ from run to run.
void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}

class ThisMachineRoot : public testing::TestWithParam<Row> {};

TEST_P(ThisMachineRoot, HangsOnThese) {
  const auto machine = machine_named(GetParam().name);
  ASSERT_EQ(machine.roots.size(), 1U);
  EXPECT_EQ(machine.roots[0].name, GetParam().root);
  EXPECT_EQ(drivers(machine.roots[0]), GetParam().drivers);
  EXPECT_EQ(machine.kernel, "6.1.0-56-amd64");
  for (const auto& one : machine.unreadable)
    EXPECT_TRUE(one.part == "root" && one.why.find("cipher") != std::string::npos) << one.why;
}

INSTANTIATE_TEST_SUITE_P(
    Trees, ThisMachineRoot,
    testing::Values(
        Row{"nvme", "nvme0n1p2", "nvme pcieport"},
        Row{"nvme-multipath", "nvme0n1p2", "nvme pcieport"}, Row{"ahci", "sda2", "sd ahci"},
        Row{"virtio-blk", "vda", "virtio_blk virtio-pci"},
        Row{"virtio-scsi", "sda1", "sd virtio_scsi virtio-pci"},
        Row{"megaraid_sas", "sda2", "sd megaraid_sas pcieport"},
        Row{"mpt3sas", "sda2", "sd mpt3sas pcieport"}, Row{"hpsa", "sda2", "sd hpsa pcieport"},
        Row{"md-raid1", "md0", "raid1 sd ahci sd"}, Row{"lvm-nvme", "dm-0", "dm_mod nvme pcieport"},
        Row{"crypt-lvm", "dm-1", "dm_mod dm_crypt dm_mod nvme pcieport"},
        Row{"multipath-qla2xxx", "dm-2",
            "dm_mod dm_mod dm_multipath dm_service_time sd qla2xxx pcieport sd qla2xxx"},
        Row{"multipath-lpfc", "dm-2",
            "dm_mod dm_mod dm_multipath dm_service_time sd lpfc pcieport sd lpfc"},
        Row{"usb-storage", "sdb2", "sd usb-storage usb usb xhci_hcd"},
        Row{"usb-uas", "sdb2", "sd uas usb usb xhci_hcd"}, Row{"bond-ixgbe", "sda2", "sd ahci"},
        Row{"mlx5-vlan", "nvme0n1p2", "nvme pcieport"}),
    [](const auto& one) {
      std::string name = one.param.name;
      for (char& c : name)
        if (c == '-') c = '_';
      return name;
    });

TEST(ThisMachine, ADeviceHasItsPlaceModaliasDriverAndModule) {
  const auto machine = machine_named("megaraid_sas");
  const auto& devices = machine.roots.at(0).devices;
  EXPECT_EQ(devices.at(1), (Device{"pci0000:00/0000:00:01.0/0000:03:00.0",
                                   "pci:v00001000d0000005Dsv00001028sd00001F49bc01sc04i00",
                                   "megaraid_sas", "megaraid_sas", "sda", false}));
  EXPECT_EQ(devices.at(0).name(), "0:2:0:0");
  EXPECT_EQ(devices.at(0).pci_address(), "0000:03:00.0");
  EXPECT_EQ(devices.at(2).module, "");  // the kernel does not say: it is built in
}

std::string management(const ThisMachine& machine) {
  std::string text;
  for (const auto& one : machine.interfaces)
    if (one.management)
      text += (text.empty() ? "" : ", ") + one.chain.name + ": " + drivers(one.chain);
  return text;
}

TEST(ThisMachine, IsReachedThroughItsDefaultRouteAndWhatThatIsMadeOf) {
  EXPECT_EQ(management(machine_named("nvme")), "eno1: tg3 pcieport");
  EXPECT_EQ(management(machine_named("virtio-blk")), "eth0: virtio_net virtio-pci");
  EXPECT_EQ(management(machine_named("bond-ixgbe")),
            "bond0: bond, enp1s0f0: ixgbe pcieport, enp1s0f1: ixgbe pcieport");
  EXPECT_EQ(management(machine_named("mlx5-vlan")),
            "enp6s0np0: mlx5_core pcieport, enp6s0np0.100: vlan");
}

TEST(ThisMachine, WithoutARouteEveryPhysicalInterfaceCounts) {
  const std::string card =
      "device pci0000:00/0000:00:03.0 pci tg3 tg3 pci:v1\nnet pci0000:00/0000:00:03.0/net/";
  EXPECT_EQ(management(machine_with(card + "a\nvirtual_net br0 bridge\n")), "a: tg3");
  EXPECT_EQ(management(machine_with(
                card + "a\nvirtual_net br-ex switch\nroute br-ex\nmodule openvswitch 1 -\n")),
            "a: tg3, br-ex: openvswitch");
}

TEST(ThisMachine, ConsolesAreTheActiveOnes) {
  const auto server = machine_named("ahci");
  ASSERT_EQ(server.consoles.size(), 2U);
  EXPECT_EQ(drivers(server.consoles[0]), "ast pcieport");
  EXPECT_EQ(drivers(server.consoles[1]), "serial");
  const auto guest = machine_named("virtio-scsi");
  ASSERT_EQ(guest.consoles.size(), 1U);
  EXPECT_EQ(guest.consoles[0].name, "hvc0");
  EXPECT_EQ(drivers(guest.consoles[0]), "virtio_console virtio-pci");
}

TEST(ThisMachine, ModulesInUseDriveCountUsersOrAreNeededByThose) {
  const auto machine = machine_with(
      "device pci0000:00/0000:00:03.0 pci tg3 tg3 pci:v1\nmodule tg3 0 -\nmodule libphy 1 tg3\n"
      "module idle 0 -\nmodule below_idle 1 idle\nmodule mounted 2 -\nmodule both 2 idle,tg3\n");
  EXPECT_EQ(machine.modules_in_use(), (Names{"both", "libphy", "mounted", "tg3"}));
}

TEST(ThisMachine, AFurtherSlotMayBeOnAnotherDisk) {
  ScratchDir scratch;
  lay_out_machine(CUBE_MACHINES, "md-raid1", scratch.path());
  const auto machine = machine_of(scratch.root(), {"8:2", "9:0", "8:99"});
  ASSERT_EQ(machine.roots.size(), 2U);
  EXPECT_EQ(machine.roots[1].name, "sda2");
  EXPECT_FALSE(machine.knows("root"));
}

TEST(ThisMachine, DisksOfTheNetworkNameTheirModule) {
  const auto iscsi = machine_with(
      "device platform/host3/session1/target3:0:0/3:0:0:0 scsi sd sd_mod scsi:t-0x00\n"
      "file sys/devices/platform/host3/scsi_host/host3/proc_name iscsi_tcp\n"
      "block platform/host3/session1/target3:0:0/3:0:0:0/block/sda 8:0\nroot 8:0 ext4 /dev/sda\n"
      "module iscsi_tcp 2 -\n");
  ASSERT_EQ(iscsi.roots.size(), 1U);
  EXPECT_EQ(drivers(iscsi.roots[0]), "sd iscsi_tcp");
  EXPECT_EQ(iscsi.roots[0].devices[1].module, "iscsi_tcp");
  EXPECT_TRUE(iscsi.root_by_network);
  const auto nvme = machine_with(
      "file sys/devices/virtual/nvme-fabrics/ctl/nvme0/transport tcp\n"
      "block virtual/nvme-fabrics/ctl/nvme0/nvme0n1 259:0\nroot 259:0 ext4 /dev/nvme0n1\n");
  ASSERT_EQ(nvme.roots.size(), 1U);
  EXPECT_EQ(drivers(nvme.roots[0]), "nvme_tcp");
  EXPECT_TRUE(nvme.root_by_network);
}

TEST(ThisMachine, ARootWithoutANumberOfItsOwnIsFoundByItsSource) {
  const std::string disk =
      "device pci0000:00/0000:00:02.0/virtio1 virtio virtio_blk - virtio:d2\n"
      "block pci0000:00/0000:00:02.0/virtio1/block/vda 254:0\n";
  EXPECT_EQ(machine_with(disk + "root 0:35 btrfs /dev/vda\n").roots.at(0).name, "vda");
  const auto volume = machine_with(disk +
                                   "block virtual/block/dm-0 253:0\n"
                                   "file sys/devices/virtual/block/dm-0/dm/name vg-root\n"
                                   "root 0:35 btrfs /dev/mapper/vg-root\n");
  EXPECT_EQ(volume.roots.at(0).name, "dm-0");
  for (const char* other : {"root 0:35 nfs4 server:/export\n", "root 0:35 overlay overlay\n"}) {
    const auto machine = machine_with(disk + other);
    EXPECT_TRUE(machine.roots.empty());
    EXPECT_FALSE(machine.knows("root"));
  }
}

TEST(ThisMachine, ADriverChosenByHandIsMarked) {
  const auto machine = machine_with(
      "device pci0000:00/0000:00:03.0 pci vfio-pci vfio_pci pci:v1\n"
      "file sys/devices/pci0000:00/0000:00:03.0/driver_override vfio-pci\n"
      "device pci0000:00/0000:00:04.0 pci tg3 tg3 pci:v1\n"
      "file sys/devices/pci0000:00/0000:00:04.0/driver_override (null)\n");
  ASSERT_EQ(machine.devices.size(), 2U);
  EXPECT_TRUE(machine.devices[0].by_hand);
  EXPECT_FALSE(machine.devices[1].by_hand);
}

TEST(ThisMachine, AnEmptyRootSaysWhatIsMissing) {
  ScratchDir scratch;
  const auto machine = machine_of(scratch.root());
  for (const char* part : {"root", "network", "console", "devices", "modules"})
    EXPECT_FALSE(machine.knows(part)) << part;
}

TEST(ThisMachine, OddTreesAreToldOf) {
  ScratchDir scratch;
  namespace fs = std::filesystem;
  const auto link = [&](const std::string& place, const std::string& target) {
    const fs::path path = scratch.path() + "/" + place;
    fs::create_directories(path.parent_path());
    fs::create_symlink(target, path);
  };
  link("sys/bus/pci/devices/absolute", "/sys/devices/a");
  link("sys/bus/pci/devices/leaves", "../../../../../../etc/passwd");
  link("sys/bus/pci/devices/itself", "itself");
  link("sys/bus/pci/devices/fine", "../../../devices/fine");
  link("sys/devices/fine/driver", "../../../../../../../x");
  link("sys/bus/pci/devices/two", "../../../devices/two");
  link("sys/devices/two/driver", "../../bus/pci/drivers/tg3");
  link("sys/bus/pci/drivers/tg3/module", "..");
  fs::create_directories(scratch.path() + "/sys/devices/two/modalias");
  std::string deep = "../../../devices";
  for (int i = 0; i < 100; ++i) deep += "/d";
  link("sys/bus/pci/devices/deep", deep);
  // Two dm devices that are made of each other.
  link("sys/dev/block/253:0", "../../devices/virtual/block/dm-0");
  put(scratch.path() + "/sys/devices/virtual/block/dm-0/dm/uuid", "LVM-\x01\xff");
  link("sys/devices/virtual/block/dm-0/slaves/dm-1", "../../dm-1");
  link("sys/devices/virtual/block/dm-1/slaves/dm-0", "../../dm-0");
  link("sys/devices/virtual/block/dm-1/slaves/out", "../../../../../../../..");
  put(scratch.path() + "/proc/self/mountinfo", "1 1 253:0 / / rw - ext4 /dev/x rw\n");
  link("sys/class/net/eth0", "eth0");
  const auto machine = machine_of(scratch.root());
  ASSERT_EQ(machine.devices.size(), 1U);
  EXPECT_EQ(machine.devices[0].driver, "tg3");
  EXPECT_EQ(machine.devices[0].module, "");
  EXPECT_EQ(machine.roots.size(), 1U);
  for (const char* part : {"root", "network", "devices"}) EXPECT_FALSE(machine.knows(part)) << part;
  for (const auto& one : machine.unreadable) EXPECT_EQ(one.why, readable(one.why));
}

TEST(ThisMachine, ReadsTheRunningSystem) {
  const auto machine = machine_of(RootDir::running_system().value());
  EXPECT_FALSE(machine.kernel.empty());
  for (const auto& one : machine.devices) EXPECT_FALSE(one.driver.empty());
}

TEST(ProcLists, ModulesHaveUsersAndThoseAboveThem) {
  const auto found = loaded_modules(
      "sd_mod 65536 3 - Live 0x0\nlibata 1 2 ahci,libahci, Live 0x0\n"
      "vfat 1 1 - Live 0x0 [permanent]\nodd\na/b 1 1 x, Live 0x0\n"
      "fixed 1 1 [permanent], Live 0x0\n");
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found.at("sd_mod").users, 3U);
  EXPECT_EQ(found.at("libata").above, (std::vector<std::string>{"ahci", "libahci"}));
  EXPECT_TRUE(found.at("fixed").above.empty());
}

TEST(ProcLists, TheRootIsWhatIsMountedLast) {
  const auto found = root_mount(
      "1 1 0:2 / / rw - rootfs rootfs rw\n2 1 8:2 / / rw shared:1 - ext4 /dev/sda2 rw\n"
      "3 2 8:3 / /boot rw - ext4 /dev/sda3 rw\n4 2 8:4 / /\n");
  EXPECT_EQ(found.device, "8:2");
  EXPECT_EQ(found.source, "/dev/sda2");
  EXPECT_EQ(root_mount("odd\n").device, "");
}

TEST(ProcLists, DefaultRoutesOfBothKinds) {
  const std::string any(32, '0');
  EXPECT_EQ(
      default_interfaces("Iface Destination Gateway Flags RefCnt Use Metric Mask\n"
                         "eth0 00000000 0100000A 0003 0 0 0 00000000\n"
                         "eth1 0000000A 00000000 0001 0 0 0 000000FF\n"
                         "eth2 00000000 0100000A 0200 0 0 0 00000000\n",
                         any + " 00 " + any + " 00 " + any +
                             " 00000400 00000001 00000000 00000003 eth3\n" + any + " 00 " + any +
                             " 00 " + any + " ffffffff 00000001 00000000 00200200 lo\n"),
      (Names{"eth0", "eth3"}));
}

TEST(ProcLists, ConsolesOfTheKernelsLine) {
  EXPECT_EQ(console_arguments("quiet console=tty0 console=ttyS0,115200n8 console= -- console=no"),
            (std::vector<std::string>{"tty0", "ttyS0"}));
}

TEST(ProcLists, LinksStayInside) {
  EXPECT_EQ(joined("sys/class/net", "../../devices/a/net/eth0"), "sys/devices/a/net/eth0");
  EXPECT_EQ(joined("sys", "../../etc"), "");
  EXPECT_EQ(joined("sys", "/etc"), "");
  EXPECT_EQ(joined("sys/a", "./b//c/"), "sys/a/b/c");
  EXPECT_EQ(joined("sys", std::string(5000, 'a')), "");
}

}  // namespace
}  // namespace cube::insight
