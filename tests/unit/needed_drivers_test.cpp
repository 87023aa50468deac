// Drivers that moved, changed their names, dropped devices, and firmware: what a preflight says.
#include "insight/drivers/needed_drivers.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/spawn.h"
#include "tests/support/driver_play.h"
#include "tests/support/text_files.h"

namespace cube::insight {
namespace {

class NeededDrivers : public testing::Test {
 protected:
  static DriverPlay raid() { return {CUBE_MACHINES, "megaraid_sas", {"megaraid_sas", "sd_mod"}}; }
  static void build_in(ModuleTree& tree, const std::string& module) {
    tree.built_in[module] = tree.modules.at(module);
    tree.modules.erase(module);
    tree.initramfs.erase(module);
  }
  static void erase_alias(ModuleTree& tree, const std::string& module, const std::string& begin) {
    std::erase_if(tree.modules.at(module).aliases,
                  [&](const auto& alias) { return alias.starts_with(begin); });
  }
};

TEST_F(NeededDrivers, ARefusalNamesDeviceDriverAndFile) {
  auto play = raid();
  play.staged.initramfs.erase("megaraid_sas");
  const auto findings = play.findings();
  EXPECT_EQ(said(findings, "root-driver:megaraid_sas"),
            "refusal: megaraid_sas drives the disk sda that holds the root (PCI 0000:03:00.0); the "
            "release's initramfs boot/initramfs-6.1.0-57-amd64.img has no module megaraid_sas");
  EXPECT_EQ(told(findings), "refusal root-driver:megaraid_sas\n");
}

TEST_F(NeededDrivers, ADependencyThatIsMissingIsNamed) {
  DriverPlay play(CUBE_MACHINES, "mpt3sas", {"mpt3sas", "sd_mod"});
  play.staged.initramfs.erase("scsi_transport_sas");
  const auto text = said(play.findings(), "root-driver:mpt3sas");
  EXPECT_NE(text.find("has no module scsi_transport_sas, which mpt3sas needs"), text.npos) << text;
}

TEST_F(NeededDrivers, WhatWasLoadedMayBeBuiltIn) {
  auto play = raid();
  build_in(play.staged, "megaraid_sas");
  EXPECT_EQ(told(play.findings()), "");
  auto old = raid();  // a kernel that does not list what its drivers answer to
  build_in(old.staged, "megaraid_sas");
  old.staged.lists_built_in_aliases = false;
  EXPECT_EQ(told(old.findings()), "");
}

TEST_F(NeededDrivers, WhatWasBuiltInMustBeInTheInitramfs) {
  DriverPlay play(CUBE_MACHINES, "virtio-blk", {});
  for (const auto& module : with_needs(play.running.modules, {"virtio_blk", "virtio_pci"}))
    build_in(play.running, module);
  for (auto& device : play.machine.roots.at(0).devices) device.module.clear();
  EXPECT_EQ(told(play.findings()),
            "refusal root-driver:virtio_blk\nrefusal root-driver:virtio_pci\n");
  play.staged.initramfs = with_needs(play.staged.modules, {"virtio_blk", "virtio_pci"});
  EXPECT_EQ(told(play.findings_of_new_image()), "");
}

TEST_F(NeededDrivers, ABuiltInDriverMayHaveAnotherNameThanItsModule) {
  auto play = raid();
  build_in(play.running, "sd_mod");
  play.machine.roots.at(0).devices.at(0).module.clear();  // "sd"
  EXPECT_EQ(told(play.findings()), "");
  play.staged.initramfs.erase("sd_mod");
  EXPECT_EQ(told(play.findings_of_new_image()), "refusal root-driver:sd_mod\n");
}

TEST_F(NeededDrivers, ADriverMayHaveANewName) {
  auto play = raid();
  play.staged.modules["megaraid_new"] = play.staged.modules.at("megaraid_sas");
  play.staged.modules["megaraid_new"].file = "drivers/scsi/megaraid_new.ko";
  play.staged.modules.erase("megaraid_sas");
  play.staged.initramfs.erase("megaraid_sas");
  play.staged.initramfs.insert("megaraid_new");
  EXPECT_EQ(told(play.findings()), "");
  play.staged.initramfs.erase("megaraid_new");
  EXPECT_EQ(told(play.findings_of_new_image()), "refusal root-driver:megaraid_new\n");
}

TEST_F(NeededDrivers, ADriverThatDroppedTheDeviceIsFound) {
  auto play = raid();
  erase_alias(play.staged, "megaraid_sas", "pci:v00001000d0000005D");
  const auto text = said(play.findings(), "root-driver:megaraid_sas");
  EXPECT_NE(text.find("refusal: "), text.npos);
  EXPECT_NE(text.find("the release's megaraid_sas does not name the device "
                      "pci:v00001000d0000005Dsv00001028sd00001F49bc01sc04i00"),
            text.npos)
      << text;
}

TEST_F(NeededDrivers, ABuiltInDriverThatDroppedTheDeviceIsFound) {
  auto play = raid();
  build_in(play.staged, "megaraid_sas");
  auto& aliases = play.staged.built_in.at("megaraid_sas").aliases;
  std::erase_if(aliases, [](const auto& one) { return one.starts_with("pci:v00001000d0000005D"); });
  EXPECT_NE(said(play.findings(), "root-driver:megaraid_sas").find("does not name the device"),
            std::string::npos);
}

TEST_F(NeededDrivers, ADriverOfTheWholeClassIsNoSuccessor) {
  auto play = raid();
  play.staged.modules["generic"] = {
      "drivers/scsi/generic.ko", {}, {}, {"pci:v*d*sv*sd*bc01sc04i*"}, {}};
  play.staged.initramfs.insert("generic");
  erase_alias(play.staged, "megaraid_sas", "pci:v00001000d0000005D");
  const auto text = said(play.findings(), "root-driver:megaraid_sas");
  EXPECT_NE(text.find("generic only takes all devices of its kind"), text.npos) << text;
}

TEST_F(NeededDrivers, OfTwoThatNameADeviceTodaysIsNeeded) {
  // A stick that speaks UAS is left alone by usb_storage.
  DriverPlay play(CUBE_MACHINES, "usb-uas", {"uas", "sd_mod", "xhci_pci", "usbcore"});
  play.staged.initramfs.erase("uas");
  EXPECT_EQ(told(play.findings()), "refusal root-driver:uas\n");
}

TEST(ModuleLists, FilesHaveWhatTheyNeed) {
  const auto found = module_files(
      "kernel/a/sd-mod.ko.xz: kernel/a/scsi_mod.ko kernel/b/x-y.ko.zst\n"
      "kernel/a/scsi_mod.ko:\nno module: kernel/a.ko\n/abs/a.ko:\nkernel/c.ko\n");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found.at("sd_mod").file, "kernel/a/sd-mod.ko.xz");
  EXPECT_EQ(found.at("sd_mod").needs, (Names{"scsi_mod", "x_y"}));
}

TEST(ModuleLists, AliasesOfWhatIsBuiltIn) {
  using namespace std::string_literals;
  const auto found = built_in_aliases(
      "ext4.alias=fs-ext4\0ext4.license=GPL\0odd\0.alias=x\0a-b.alias=c[d-e]-f\0"s);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].pattern, "fs_ext4");
  EXPECT_EQ(found[1].module, "a_b");
  EXPECT_EQ(found[1].pattern, "c[d-e]_f");
}

TEST_F(NeededDrivers, FirmwareThatTodaysInitramfsHasIsNeededThere) {
  auto play = raid();
  auto& module = play.staged.modules.at("megaraid_sas");
  module.firmware = {"lsi/a.bin", "lsi/other-chip.bin"};
  play.running.firmware = {"lsi/a.bin.xz"};
  play.running.initramfs_firmware = {"lsi/a.bin.xz"};
  play.staged.firmware = {"lsi/a.bin.zst"};
  play.staged.initramfs_firmware = {"lsi/a.bin.zst"};
  EXPECT_EQ(told(play.findings()), "");
  play.staged.initramfs_firmware.clear();
  const auto findings = play.findings_of_new_image();
  EXPECT_EQ(said(findings, "root-firmware:megaraid_sas"),
            "refusal: megaraid_sas drives the disk sda that holds the root (PCI 0000:03:00.0) and "
            "may load lsi/a.bin; the release's initramfs boot/initramfs-6.1.0-57-amd64.img has no "
            "such file");
  play.running_inventory.initramfs_firmware.clear();  // it does without today
  EXPECT_EQ(told(play.look()), "");
  std::filesystem::remove(play.staged_folder.path() + "/lib/firmware/lsi/a.bin.zst");
  EXPECT_EQ(told(play.look()), "warning root-firmware:megaraid_sas\n");
  play.running_inventory = {};  // not known what it has
  EXPECT_EQ(told(play.look()), "refusal root-firmware:megaraid_sas\n");
}

TEST_F(NeededDrivers, FirmwareOfTheNetworkIsAWarning) {
  auto play = raid();
  play.running.firmware = {"tigon/tg3.bin"};
  EXPECT_EQ(told(play.findings()), "warning network-firmware:tg3\n");
  put(play.staged_folder.path() + "/lib/firmware/updates/tigon/tg3.bin", "");
  EXPECT_EQ(told(play.look()), "");
}

TEST_F(NeededDrivers, WhatADriverAsksForIsAWarningWhenItIsLoaded) {
  auto play = raid();
  play.staged.modules.at("megaraid_sas").asks = {"ipmi_devintf"};
  play.staged.modules["ipmi_devintf"] = {"drivers/char/ipmi/ipmi_devintf.ko", {}, {}, {}, {}};
  EXPECT_EQ(told(play.findings()), "");
  play.machine.modules["ipmi_devintf"] = {};
  EXPECT_EQ(told(play.look()), "warning root-driver:ipmi_devintf\n");
}

TEST_F(NeededDrivers, AnImageThatCannotBeReadIsRefused) {
  auto play = raid();
  play.lay_out();
  put(play.staged_folder.path() + "/boot/initramfs-6.1.0-57-amd64.img", "no image");
  EXPECT_EQ(told(play.look()), "refusal root-driver:sd_mod\nrefusal root-driver:megaraid_sas\n");
  std::filesystem::remove(play.staged_folder.path() + "/boot/initramfs-6.1.0-57-amd64.img");
  const auto text = said(play.look(), "root-driver:megaraid_sas");
  EXPECT_NE(text.find("the release has no initramfs"), text.npos) << text;
}

TEST_F(NeededDrivers, AReleaseWithoutListsIsRefusedWhenModulesAreNeeded) {
  auto play = raid();
  play.lay_out();
  std::filesystem::remove(play.staged_folder.path() +
                          "/lib/modules/6.1.0-57-amd64/modules.dep.bin");
  EXPECT_EQ(told(play.look()), "refusal root-driver:modules\n");
  // An appliance whose initramfs has all that it needs.
  for (const auto& one : play.machine.interfaces)
    for (const auto& device : one.chain.devices) play.staged.initramfs.insert(device.module);
  play.staged.initramfs.erase("");
  EXPECT_EQ(told(play.findings_of_new_image()), "unknown root-driver:modules\n");
  // A kernel with everything in it, as today's.
  play.machine.modules.clear();
  EXPECT_EQ(told(play.look()), "unknown root-driver:modules\n");
}

TEST_F(NeededDrivers, WithoutTheRunningListsTheReleaseIsStillHeldAgainstTheDevices) {
  auto play = raid();
  play.lay_out();
  std::filesystem::remove_all(play.running_folder.path() + "/lib/modules");
  EXPECT_EQ(told(play.look()), "unknown device-driver:running-kernel\n");
  play.staged.initramfs.erase("megaraid_sas");
  EXPECT_EQ(told(play.findings_of_new_image()),
            "unknown device-driver:running-kernel\nrefusal root-driver:megaraid_sas\n");
}

TEST_F(NeededDrivers, WhatTheMachineDoesNotTellIsUnknown) {
  auto play = raid();
  play.lay_out();
  play.machine.roots.clear();
  play.machine.unreadable = {{"root", "the root is nfs4"}, {"modules", "proc/modules: is missing"}};
  EXPECT_EQ(told(play.look()), "unknown root-driver:machine\nunknown device-driver:machine\n");
}

TEST_F(NeededDrivers, ARootByTheNetworkNeedsTheNetworkEarly) {
  auto play = raid();
  play.lay_out();
  EXPECT_EQ(told(play.look()), "");
  play.machine.root_by_network = true;
  EXPECT_EQ(told(play.look()), "refusal network-driver:tg3\n");
}

TEST_F(NeededDrivers, ADriverThatWasChosenByHandIsFoundByItsName) {
  auto play = raid();
  play.lay_out();
  Device device{"pci0000:00/0000:09:00.0",
                "pci:v000010DEd00001EB8sv0sd0bc03sc02i00",
                "vfio-pci",
                "vfio_pci",
                "",
                true};
  play.machine.devices.push_back(device);
  EXPECT_EQ(told(play.look()), "");
  device.by_hand = false;  // by new_id: no list knows of it
  play.machine.devices.back() = device;
  EXPECT_EQ(told(play.look()), "");
  play.staged.modules.erase("vfio_pci");
  std::filesystem::remove_all(play.staged_folder.path() + "/lib");
  EXPECT_EQ(told(play.findings()), "warning device-driver:vfio_pci\n");
}

TEST_F(NeededDrivers, ModulesMayBeCompressed) {
  auto play = raid();
  play.staged.modules.at("megaraid_sas").firmware = {"lsi/a.bin"};
  play.running.firmware = play.running.initramfs_firmware = {"lsi/a.bin"};
  play.lay_out();
  const auto place = play.staged_folder.path() + "/lib/modules/6.1.0-57-amd64/kernel/";
  ASSERT_EQ(spawn({"xz", place + "drivers/scsi/megaraid/megaraid_sas.ko"})->exit_code, 0);
  ASSERT_EQ(spawn({"zstd", "-q", "--rm", place + "drivers/scsi/sd_mod.ko"})->exit_code, 0);
  depmod(play.staged_folder.path(), "6.1.0-57-amd64");
  EXPECT_EQ(told(play.look()), "refusal root-firmware:megaraid_sas\n");
}

}  // namespace
}  // namespace cube::insight
