// Every call of SystemdBootControl, ended at each of its steps: tests/contract/efi_crash_sweep.h.
#include <fstream>

#include "boot/systemd_boot/systemd_boot_control.h"
#include "tests/contract/efi_crash_sweep.h"
#include "tests/support/systemd_boot_loader.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

class SystemdBootCrash : public EfiCrash<SystemdBootLoader, SystemdBootControl> {
 protected:
  SystemdBootCrash() : EfiCrash("sdboot-") {}

  // What systemd-boot could start has the slot's own kernel.
  void expect_what_is_named_is_whole() const override {
    for (const auto& file : fs::directory_iterator(loader.esp() + "/loader/entries")) {
      const auto text = read_bytes(file.path());
      const auto at = text.find("\nlinux ");
      if (at == std::string::npos || !text.ends_with("\n")) continue;
      const auto kernel = text.substr(at + 7, text.size() - at - 8);
      const auto slot = file.path().filename().string().substr(5, 1);
      EXPECT_EQ(read_bytes(loader.esp() + kernel), "vmlinuz of slot " + slot) << file.path();
    }
  }
};

TEST_F(SystemdBootCrash, Arm) {
  EXPECT_GE(sweep_whole("arm", Begin::fallback_runs, {SlotId::a, Trial{SlotId::b, 3, 0}, true}),
            12);
}

TEST_F(SystemdBootCrash, ArmAgain) {
  EXPECT_GE(sweep_whole("arm", Begin::trial_runs, {SlotId::a, Trial{SlotId::b, 3, 1}, true}), 4);
}

TEST_F(SystemdBootCrash, ArmWithOtherTries) {
  EXPECT_GE(sweep_whole("arm", Begin::trial_is_offered, {SlotId::a, Trial{SlotId::b, 3, 0}, true}),
            4);
}

TEST_F(SystemdBootCrash, Bless) {
  EXPECT_GE(sweep_whole("bless", Begin::trial_runs, {SlotId::b, std::nullopt, false}), 10);
}

TEST_F(SystemdBootCrash, Reject) {
  EXPECT_GE(sweep_whole("reject", Begin::trial_is_offered, {SlotId::a, std::nullopt, false}), 4);
}

TEST_F(SystemdBootCrash, RejectAgainIsSyncedAgain) {
  EXPECT_GE(sweep_whole("reject", Begin::fallback_runs, {SlotId::a, std::nullopt, false}), 2);
}

TEST_F(SystemdBootCrash, BlessOverDamage) {
  sweep_repair([&] { fs::remove(loader.entry("cube-a.conf")); });
  sweep_repair([&] {
    loader.set_variable("LoaderEntryDefault", "");
    std::ofstream(loader.loader_conf()) << "defa";
  });
  sweep_repair([&] { std::ofstream(loader.entry("cube-b+x.conf")) << "title none\n"; });
}

// A cut inside bless, then the power comes back to the old slot: it is armed again by itself.
TEST_F(SystemdBootCrash, ACutInsideBlessLosesNoGoodRelease) {
  for (int n = 1; n <= 8; ++n) {
    begin(Begin::trial_runs);
    run_with_crash({CUBE_BOOT_WRITER, dir.path(), "sdboot-bless", "b"}, n, Crash::kill);
    if (loader.start().slot == SlotId::b) continue;
    const auto armed = control.arm(SlotId::b, 2);
    ASSERT_TRUE(armed) << n << armed.error().what;
    EXPECT_NE(read_bytes(loader.loader_conf()).find("default cube-a.conf"), std::string::npos) << n;
    ASSERT_EQ(loader.start(), (Started{SlotId::b, true}));
    ASSERT_TRUE(control.bless(SlotId::b));
    EXPECT_EQ(loader.start(), (Started{SlotId::b, false}));
  }
}

}  // namespace
}  // namespace cube
