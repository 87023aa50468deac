// Every call of SystemdBootControl, ended at each of its steps, as grub_crash_test.cpp does it.
// After each cut the state is that of before or of after, the machine starts a good slot, nothing
// that is named is half a kernel, and the same call once more does the work.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "boot/systemd_boot/systemd_boot_control.h"
#include "tests/support/crash_sweep.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/systemd_boot_loader.h"

namespace cube {
namespace {

namespace fs = std::filesystem;
[[maybe_unused]] const bool in_memory =
    ::access("/dev/shm", W_OK) == 0 && ::setenv("TMPDIR", "/dev/shm", 0) == 0;

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class SystemdBootCrash : public ::testing::Test {
 protected:
  enum class Begin { fallback_runs, trial_runs, trial_is_offered };

  void begin(Begin how) {
    loader.install(SlotId::a);
    loader.start();
    if (how == Begin::fallback_runs) return;
    ASSERT_TRUE(control.arm(SlotId::b, how == Begin::trial_runs ? 3 : 2));
    if (how == Begin::trial_runs) {
      ASSERT_EQ(loader.start(), (Started{SlotId::b, true}));
    }
  }

  // Ends `call` at every step in every way. Returns the number of steps.
  int sweep(const std::string& call, const std::function<void()>& prepare,
            const std::function<void()>& check) {
    const std::vector<std::string> argv = {CUBE_BOOT_WRITER, dir.path(), "sdboot-" + call, "b"};
    int steps = 0;
    for (const auto crash : {Crash::kill, Crash::torn, Crash::no_space, Crash::read_only}) {
      // The firmware writes a variable whole or not at all.
      const std::string on = crash == Crash::torn ? "/boot/efi" : "";
      prepare();
      const auto whole = count_calls(argv, {}, on);
      EXPECT_EQ(whole.exit_code, 0) << whole.output;
      steps = std::max(steps, whole.calls);
      for (int n = 1; n <= whole.calls; ++n) {
        prepare();
        const auto run = run_with_crash(argv, n, crash, {}, on);
        SCOPED_TRACE(call + ", way " + std::to_string(static_cast<int>(crash)) + " at step " +
                     std::to_string(n) + ": " + run.output);
        const bool dies = crash == Crash::kill || crash == Crash::torn;
        EXPECT_EQ(run.exit_code, dies                        ? 137
                                 : crash == Crash::read_only ? 11
                                                             : 1)
            << "no false success";
        check();
        if (HasFatalFailure()) return steps;
      }
    }
    return steps;
  }

  int sweep_whole(const std::string& call, Begin how, const BootState& after) {
    BootState before;
    return sweep(
        call,
        [&] {
          ASSERT_NO_FATAL_FAILURE(begin(how));
          before = control.state().value();
        },
        [&] {
          const auto now = control.state();
          ASSERT_TRUE(now) << now.error().what;
          EXPECT_TRUE(*now == before || *now == after);
          expect_what_is_named_is_whole();
          ASSERT_NO_FATAL_FAILURE(again(call, after));
        });
  }

  // What systemd-boot could start has the slot's own kernel.
  void expect_what_is_named_is_whole() const {
    for (const auto& file : fs::directory_iterator(loader.esp() + "/loader/entries")) {
      const auto text = read(file.path());
      const auto at = text.find("\nlinux ");
      if (at == std::string::npos || !text.ends_with("\n")) continue;
      const auto kernel = text.substr(at + 7, text.size() - at - 8);
      const auto slot = file.path().filename().string().substr(5, 1);
      EXPECT_EQ(read(loader.esp() + kernel), "vmlinuz of slot " + slot) << file.path();
    }
  }

  void again(const std::string& call, const BootState& after) {
    const auto status = call == "arm"     ? control.arm(SlotId::b, 3)
                        : call == "bless" ? control.bless(SlotId::b)
                                          : control.reject(SlotId::b);
    ASSERT_TRUE(status) << status.error().what;
    EXPECT_EQ(control.state().value(), after);
    const Started next{after.offered ? after.trial->slot : after.fallback, after.offered};
    EXPECT_EQ(loader.start(), next);
    const int copies =
        static_cast<int>(std::distance(fs::directory_iterator(loader.esp() + "/cube/kernels"), {}));
    EXPECT_EQ(copies, after.trial ? 2 : 1) << "old copies go";
  }

  // bless over damage: at every instant the machine would start a slot, and never on trial.
  void sweep_repair(const std::function<void()>& damage) {
    const BootState after{SlotId::b, std::nullopt, false};
    sweep(
        "bless",
        [&] {
          ASSERT_NO_FATAL_FAILURE(begin(Begin::trial_runs));
          damage();
        },
        [&] {
          const auto now = control.state();
          EXPECT_TRUE(!now || *now == after || now->fallback == SlotId::a);
          ASSERT_NO_FATAL_FAILURE(again("bless", after));
        });
  }

  ScratchDir dir;
  SystemdBootLoader loader{dir.path()};
  RootDir root = dir.root();
  FolderKernels kernels{root};
  SystemdBootControl control{root, kernels, {}};
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
    EXPECT_NE(read(loader.loader_conf()).find("default cube-a.conf"), std::string::npos) << n;
    ASSERT_EQ(loader.start(), (Started{SlotId::b, true}));
    ASSERT_TRUE(control.bless(SlotId::b));
    EXPECT_EQ(loader.start(), (Started{SlotId::b, false}));
  }
}

}  // namespace
}  // namespace cube
