// Every machine of tests/unit/machines against releases that have exactly what it needs, and
// against those that lack one thing of it: no miss, no false alarm.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/driver_play.h"

namespace cube::insight {
namespace {

struct Row {
  const char* machine;
  std::set<std::string> root, network, console;  // modules that drive it, without what they need
};

// Not its bytes, which differ from run to run.
void PrintTo(const Row& row, std::ostream* out) {
  *out << row.machine;
}

const std::vector<Row>& rows() {
  static const std::vector<Row> all{
      {"nvme", {"nvme"}, {"tg3"}, {"ast"}},
      {"nvme-multipath", {"nvme"}, {"tg3"}, {"ast"}},
      {"ahci", {"ahci", "sd_mod"}, {"tg3"}, {"ast"}},
      {"virtio-blk", {"virtio_blk", "virtio_pci"}, {"virtio_net"}, {}},
      {"virtio-scsi", {"virtio_scsi", "virtio_pci", "sd_mod"}, {"virtio_net"}, {"virtio_console"}},
      {"megaraid_sas", {"megaraid_sas", "sd_mod"}, {"tg3"}, {"ast"}},
      {"mpt3sas", {"mpt3sas", "sd_mod"}, {"tg3"}, {"ast"}},
      {"hpsa", {"hpsa", "sd_mod"}, {"tg3"}, {"ast"}},
      {"md-raid1", {"ahci", "sd_mod", "raid1"}, {"tg3"}, {"ast"}},
      {"lvm-nvme", {"nvme", "dm_mod"}, {"tg3"}, {"ast"}},
      {"crypt-lvm", {"nvme", "dm_mod", "dm_crypt"}, {"tg3"}, {"ast"}},
      {"multipath-qla2xxx",
       {"qla2xxx", "sd_mod", "dm_mod", "dm_multipath", "dm_service_time"},
       {"tg3"},
       {"ast"}},
      {"multipath-lpfc",
       {"lpfc", "sd_mod", "dm_mod", "dm_multipath", "dm_service_time"},
       {"tg3"},
       {"ast"}},
      {"usb-storage", {"usb_storage", "sd_mod", "xhci_pci", "usbcore"}, {"tg3"}, {"ast"}},
      {"usb-uas", {"uas", "sd_mod", "xhci_pci", "usbcore"}, {"tg3"}, {"ast"}},
      {"bond-ixgbe", {"ahci", "sd_mod"}, {"ixgbe", "bonding"}, {"ast"}},
      {"mlx5-vlan", {"nvme"}, {"mlx5_core", "8021q"}, {"ast"}},
  };
  return all;
}

class MachineDrivers : public testing::TestWithParam<Row> {
 protected:
  MachineDrivers() : play_(CUBE_MACHINES, GetParam().machine, GetParam().root) {}

  // Of the machine alone, whatever release there is.
  [[nodiscard]] std::string always() const {
    return std::string(GetParam().machine) == "crypt-lvm" ? "unknown root-driver:machine\n" : "";
  }
  // Some refusal says that word.
  static bool refused_for(const Findings& findings, const std::string& check,
                          const std::string& module) {
    for (const auto& one : findings)
      if (one.check == check && one.grade == Grade::refusal &&
          (one.what + " " + one.object).find(module) != std::string::npos)
        return true;
    return false;
  }

  DriverPlay play_;
};

TEST_P(MachineDrivers, AReleaseThatHasThemIsLetThrough) {
  const auto findings = play_.findings();
  EXPECT_EQ(told(findings), always());
  EXPECT_NE(said(findings, "root-driver:" + play_.machine.roots.at(0).name), "");
  EXPECT_EQ(findings, play_.look());
}

TEST_P(MachineDrivers, EachThatTheInitramfsLacksIsRefused) {
  play_.lay_out();
  const auto all = play_.staged.initramfs;
  for (const auto& module : all) {
    play_.staged.initramfs = all;
    play_.staged.initramfs.erase(module);
    const auto findings = play_.findings_of_new_image();
    EXPECT_TRUE(refused_for(findings, "root-driver", module)) << module << "\n" << told(findings);
  }
}

TEST_P(MachineDrivers, WhatNothingNeedsMayBeMissing) {
  const auto& row = GetParam();
  auto needed = row.root;
  needed.insert(row.network.begin(), row.network.end());
  needed.insert(row.console.begin(), row.console.end());
  needed = with_needs(play_.staged.modules, needed);
  std::erase_if(play_.staged.modules,
                [&](const auto& one) { return needed.count(one.first) == 0; });
  const auto findings = play_.findings();
  // Of what the machine has besides only a warning each.
  for (const auto& one : findings)
    EXPECT_TRUE(one.grade != Grade::warning || one.check == "device-driver") << one.what;
  EXPECT_LE(worst(findings), Grade::warning) << told(findings);
  const bool server = !row.console.empty() && row.console.count("ast") != 0;
  EXPECT_EQ(said(findings, "device-driver:i2c_i801").empty(), !server) << told(findings);
}

TEST_P(MachineDrivers, EachThatTheNetworkNeedsIsRefusedWhenItIsNowhere) {
  play_.lay_out();
  for (const auto& module : with_needs(play_.staged.modules, GetParam().network)) {
    if (play_.staged.initramfs.count(module) != 0) continue;
    const auto place = play_.staged_folder.path() + "/lib/modules/" + play_.staged.kernel;
    const auto file = place + "/kernel/" + play_.staged.modules.at(module).file;
    std::filesystem::rename(file, place + "/aside");
    const auto stale = play_.look();
    EXPECT_TRUE(refused_for(stale, "network-driver", module)) << module << "\n" << told(stale);
    EXPECT_FALSE(refused_for(stale, "root-driver", module));
    std::filesystem::rename(place + "/aside", file);
  }
  for (const auto& module : GetParam().network) {
    if (play_.staged.initramfs.count(module) != 0) continue;
    const auto file = play_.staged_folder.path() + "/lib/modules/" + play_.staged.kernel +
                      "/kernel/" + play_.staged.modules.at(module).file;
    std::filesystem::remove(file);
    depmod(play_.staged_folder.path(), play_.staged.kernel);
    const auto gone = play_.look();
    EXPECT_TRUE(refused_for(gone, "network-driver", module)) << module << "\n" << told(gone);
  }
}

TEST_P(MachineDrivers, AConsoleWithoutItsDriverIsAWarning) {
  for (const auto& module : GetParam().console) {
    play_.staged.modules.erase(module);
    const auto findings = play_.findings();
    EXPECT_EQ(said(findings, "console-driver:" + module).substr(0, 8), "warning:")
        << told(findings);
    EXPECT_EQ(worst(findings), Grade::warning);
  }
}

INSTANTIATE_TEST_SUITE_P(Trees, MachineDrivers, testing::ValuesIn(rows()), [](const auto& one) {
  std::string name = one.param.machine;
  for (char& c : name)
    if (c == '-') c = '_';
  return name;
});

}  // namespace
}  // namespace cube::insight
