#include "tests/contract/boot_control_contract.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "boot/grub/grub_boot_control.h"
#include "boot/systemd_boot/systemd_boot_control.h"
#include "boot/uefi/uefi_boot_control.h"
#include "tests/contract/boot_control_situations.h"
#include "tests/support/grub_loader.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/systemd_boot_loader.h"
#include "tests/support/uefi_firmware.h"

namespace cube {
namespace {

// The suites make ten thousand fsyncs and none of their sentences is about a disk: memory, if we
// may.
[[maybe_unused]] const bool in_memory =
    ::access("/dev/shm", W_OK) == 0 && ::setenv("TMPDIR", "/dev/shm", 0) == 0;

class FakeFixture {
 public:
  BootControl& control() { return fake_; }
  Started start() { return fake_.start(); }
  void damage() { fake_.damage_records(); }

 private:
  FakeBootControl fake_{SlotId::a};
};

enum class Damage { zeroed, torn, missing };

template <Damage kind>
class GrubFixture {
 public:
  GrubFixture() {
    loader_.install(SlotId::a);
    loader_.start();
  }
  BootControl& control() { return control_; }
  Started start() { return loader_.start(); }
  void damage() {
    const std::string file = loader_.env_file();
    if (kind == Damage::missing) {
      std::filesystem::remove(file);
      return;
    }
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    // Torn: the header and half a variable are left, as far as a sector can tear.
    if (kind == Damage::torn) out.seekp(30);
    out << std::string(kind == Damage::torn ? 994 : 1024, '\0');
  }

 private:
  ScratchDir dir_;
  RootDir root_ = dir_.root();
  GrubLoader loader_{dir_.path()};
  GrubBootControl control_{root_, {}};
};

enum class EspDamage {
  nothing_named,    // the firmware lost its variables, and loader.conf is torn
  odd_counter,      // of the trial's entry
  foreign_default,  // another entry is the default, by an operator's hand
};

template <EspDamage kind>
class SystemdBootFixture {
 public:
  SystemdBootFixture() {
    loader_.install(SlotId::a);
    loader_.start();
  }
  BootControl& control() { return control_; }
  Started start() { return loader_.start(); }
  void damage() {
    if (kind == EspDamage::odd_counter) {
      std::filesystem::rename(loader_.entry("cube-b+3.conf"), loader_.entry("cube-b+3-x.conf"));
      return;
    }
    loader_.set_variable("LoaderEntryOneShot", "");
    loader_.set_variable("LoaderEntryDefault",
                         kind == EspDamage::foreign_default ? "debian.conf" : "");
    if (kind == EspDamage::nothing_named)
      std::ofstream(loader_.loader_conf()) << "timeout 0\ndefau";
  }

 private:
  ScratchDir dir_;
  RootDir root_ = dir_.root();
  FolderKernels kernels_{root_};
  SystemdBootLoader loader_{dir_.path()};
  SystemdBootControl control_{root_, kernels_, {}};
};

enum class NvramDamage {
  dropped,        // the firmware lost its variables
  garbage,        // in the trial's entry
  foreign_first,  // the firmware, or an operator, put another option before ours
};

template <NvramDamage kind>
class UefiFixture {
 public:
  UefiFixture() {
    firmware_.install(SlotId::a);
    firmware_.start();
  }
  BootControl& control() { return control_; }
  Started start() { return firmware_.start(); }
  void damage() {
    if (kind == NvramDamage::dropped) firmware_.lose_variables();
    if (kind == NvramDamage::garbage) {
      const auto name = UefiFirmware::name_of(firmware_.named("cube-b").at(0));
      firmware_.set(name, firmware_.get(name).substr(0, 40));
    }
    if (kind != NvramDamage::foreign_first) return;
    firmware_.set("BootNext", "");  // it is a record of its own: a whole one is followed, once
    firmware_.set_numbers("BootOrder", {firmware_.named("debian").at(0), 2});
  }

 private:
  ScratchDir dir_;
  RootDir root_ = dir_.root();
  FolderKernels kernels_{root_};
  UefiFirmware firmware_{dir_.path()};
  UefiBootControl control_{root_, kernels_, {}};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Fake, BootControlContract, FakeFixture);
using Grub = testing::Types<GrubFixture<Damage::zeroed>, GrubFixture<Damage::torn>,
                            GrubFixture<Damage::missing>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Grub, BootControlContract, Grub);
using SystemdBoot = testing::Types<SystemdBootFixture<EspDamage::nothing_named>,
                                   SystemdBootFixture<EspDamage::odd_counter>,
                                   SystemdBootFixture<EspDamage::foreign_default>>;
INSTANTIATE_TYPED_TEST_SUITE_P(SystemdBoot, BootControlContract, SystemdBoot);
using Uefi = testing::Types<UefiFixture<NvramDamage::dropped>, UefiFixture<NvramDamage::garbage>,
                            UefiFixture<NvramDamage::foreign_first>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Uefi, BootControlContract, Uefi);
INSTANTIATE_TYPED_TEST_SUITE_P(Fake, BootControlSituations, FakeFixture);
INSTANTIATE_TYPED_TEST_SUITE_P(Grub, BootControlSituations, GrubFixture<Damage::zeroed>);
INSTANTIATE_TYPED_TEST_SUITE_P(SystemdBoot, BootControlSituations,
                               SystemdBootFixture<EspDamage::nothing_named>);
INSTANTIATE_TYPED_TEST_SUITE_P(Uefi, BootControlSituations, UefiFixture<NvramDamage::dropped>);

}  // namespace
}  // namespace cube
