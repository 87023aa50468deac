// Every call of UefiBootControl, ended at each of its steps: tests/contract/efi_crash_sweep.h.
#include "boot/efi/entry_text.h"
#include "boot/uefi/uefi_boot_control.h"
#include "tests/contract/efi_crash_sweep.h"
#include "tests/support/uefi_firmware.h"

namespace cube {
namespace {

class UefiCrash : public EfiCrash<UefiFirmware, UefiBootControl> {
 protected:
  UefiCrash() : EfiCrash("uefi-") {}

  void expect_what_is_named_is_whole() const override {
    for (const std::string slot : {"a", "b"})
      for (const auto number : loader.named("cube-" + slot)) {
        const auto entry =
            parse_slot_entry(loader.get(UefiFirmware::name_of(number)), loader.partition());
        ASSERT_TRUE(entry) << number;
        EXPECT_EQ(
            read_bytes(loader.esp() + "/" + kernel_folder(entry->slot, entry->kernel) + "/vmlinuz"),
            "vmlinuz of slot " + slot);
      }
  }
};

TEST_F(UefiCrash, Arm) {
  EXPECT_GE(sweep_whole("arm", Begin::fallback_runs, {SlotId::a, Trial{SlotId::b, 3, 0}, true}),
            12);
}

TEST_F(UefiCrash, ArmAgain) {
  EXPECT_GE(sweep_whole("arm", Begin::trial_runs, {SlotId::a, Trial{SlotId::b, 3, 1}, true}), 5);
}

TEST_F(UefiCrash, ArmWithOtherTries) {
  EXPECT_GE(sweep_whole("arm", Begin::trial_is_offered, {SlotId::a, Trial{SlotId::b, 3, 0}, true}),
            1);
}

TEST_F(UefiCrash, Bless) {
  EXPECT_GE(sweep_whole("bless", Begin::trial_runs, {SlotId::b, std::nullopt, false}), 6);
}

TEST_F(UefiCrash, Reject) {
  EXPECT_GE(sweep_whole("reject", Begin::trial_is_offered, {SlotId::a, std::nullopt, false}), 3);
}

TEST_F(UefiCrash, BlessOverDamage) {
  sweep_repair([&] { loader.lose_variables(); });
  sweep_repair([&] {
    loader.set(UefiFirmware::name_of(loader.named("cube-b").at(0)),
               std::string("\1\0\0\0\0\0c\0u\0b\0e\0-\0", 16));
  });
}

// A cut inside bless, then the power comes back to the old slot: it is armed again by itself.
TEST_F(UefiCrash, ACutInsideBlessLosesNoGoodRelease) {
  for (int n = 1; n <= 8; ++n) {
    begin(Begin::trial_runs);
    run_with_crash({CUBE_BOOT_WRITER, dir.path(), "uefi-bless", "b"}, n, Crash::kill);
    if (loader.start().slot == SlotId::b) continue;
    const auto armed = control.arm(SlotId::b, 2);
    ASSERT_TRUE(armed) << n << armed.error().what;
    ASSERT_EQ(loader.start(), (Started{SlotId::b, true}));
    ASSERT_TRUE(control.bless(SlotId::b));
    EXPECT_EQ(loader.start(), (Started{SlotId::b, false}));
  }
}

// Also the second copy for firmware that lost its variables: never another slot's kernel, and whole
// after the same call once more.
TEST_F(UefiCrash, TheRemovablePathIsWrittenWholeOrNotAtAll) {
  const BootState after{SlotId::b, std::nullopt, false};
  const auto prepare = [&] { ASSERT_NO_FATAL_FAILURE(begin(Begin::trial_runs)); };
  sweep("bless", prepare, [&] {
    const auto program = read_bytes(loader.removable());
    const auto arguments = UefiFirmware::section(program, ".cmdline");
    const std::string slot = arguments.find("cube.slot=b") != std::string::npos ? "b" : "a";
    if (!arguments.empty()) {
      EXPECT_EQ(UefiFirmware::section(program, ".linux"), "vmlinuz of slot " + slot);
      EXPECT_EQ(UefiFirmware::section(program, ".initrd"), "initrd.img of slot " + slot);
    }
    ASSERT_NO_FATAL_FAILURE(again("bless", after));
    loader.lose_variables();
    EXPECT_EQ(loader.start(), (Started{SlotId::b, false}));
  });
}

// A cut, and the restart that it is, at each step of arm: the count is never wrong by one.
TEST_F(UefiCrash, ACutInsideArmIsNoTry) {
  for (int n = 1; n <= 16; ++n) {
    begin(Begin::trial_runs);
    ASSERT_EQ(loader.start(), (Started{SlotId::a, false}));
    run_with_crash({CUBE_BOOT_WRITER, dir.path(), "uefi-arm", "b"}, n, Crash::kill);
    const bool armed = control.state().value().offered;
    EXPECT_EQ(loader.start(), (Started{armed ? SlotId::b : SlotId::a, armed})) << n;
    const Trial spent = armed ? Trial{SlotId::b, 2, 2} : Trial{SlotId::b, 2, 1};
    EXPECT_EQ(control.state().value(), (BootState{SlotId::a, spent, false})) << n;
  }
}

}  // namespace
}  // namespace cube
