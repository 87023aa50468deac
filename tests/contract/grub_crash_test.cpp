// Every call of GrubBootControl, ended at each of its steps: killed, torn, and with failing steps.
// A kill keeps the page cache, so this proves the order of steps; that each is synced before the
// next begins is proved by what the sweep counts (a write and its fsync are two calls).
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "boot/grub/env_block.h"
#include "boot/grub/grub_boot_control.h"
#include "tests/support/crash_sweep.h"
#include "tests/support/grub_loader.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

[[maybe_unused]] const bool in_memory =
    ::access("/dev/shm", W_OK) == 0 && ::setenv("TMPDIR", "/dev/shm", 0) == 0;

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

std::string good_naming(SlotId slot) {
  EnvBlock block;
  block.set("cube_fallback", std::string(to_string(slot)));
  return block.render().value();
}

class GrubCrash : public ::testing::Test {
 protected:
  // A machine that runs the fallback a, or the trial b.
  void begin(bool trial_runs) {
    loader.install(SlotId::a);
    loader.start();
    if (!trial_runs) return;
    ASSERT_TRUE(control.arm(SlotId::b, 3));
    ASSERT_EQ(loader.start(), (Started{SlotId::b, true}));
  }

  // Ends `call` at every step in every way. Returns the number of steps.
  int sweep(const std::string& call, const std::function<void()>& prepare,
            const std::function<void()>& check) {
    const std::vector<std::string> argv = {CUBE_BOOT_WRITER, dir.path(), call, "b"};
    prepare();
    const auto whole = count_calls(argv);
    EXPECT_EQ(whole.exit_code, 0) << whole.output;
    for (const auto crash : {Crash::kill, Crash::torn, Crash::no_space, Crash::read_only})
      for (int n = 1; n <= whole.calls; ++n) {
        prepare();
        const auto run = run_with_crash(argv, n, crash);
        SCOPED_TRACE(call + ", way " + std::to_string(static_cast<int>(crash)) + " at step " +
                     std::to_string(n) + ": " + run.output);
        const bool dies = crash == Crash::kill || crash == Crash::torn;
        EXPECT_EQ(run.exit_code, dies                        ? 137
                                 : crash == Crash::read_only ? 11
                                                             : 1)
            << "no false success";
        check();
      }
    return whole.calls;
  }

  // Each file is the old block or a new one, state() is of before or after, and once more mends it.
  int sweep_whole(const std::string& call, bool trial_runs, const BootState& after) {
    BootState before;
    std::string old_env, old_good;
    return sweep(
        call,
        [&] {
          ASSERT_NO_FATAL_FAILURE(begin(trial_runs));
          before = control.state().value();
          old_env = read(loader.env_file());
          old_good = read(loader.good_file());
        },
        [&] {
          const auto now = control.state();
          ASSERT_TRUE(now) << now.error().what;
          EXPECT_TRUE(*now == before || *now == after);
          EXPECT_TRUE(read(loader.env_file()) == old_env || *now == after);
          const auto good = read(loader.good_file());
          EXPECT_TRUE(good == old_good || good == good_naming(after.fallback));
          EXPECT_TRUE(*now != after || good == good_naming(after.fallback)) << "good before env";
          ASSERT_NO_FATAL_FAILURE(again(call, after));
        });
  }

  void again(const std::string& call, const BootState& after) {
    const auto status = call == "arm"     ? control.arm(SlotId::b, 3)
                        : call == "bless" ? control.bless(SlotId::b)
                                          : control.reject(SlotId::b);
    ASSERT_TRUE(status) << status.error().what;
    EXPECT_EQ(control.state().value(), after);
    const Started next{after.offered ? after.trial->slot : after.fallback, after.offered};
    EXPECT_EQ(loader.start(), next);
  }

  // bless over damage: at every instant the machine would start a good slot, and never on trial.
  void sweep_repair(const std::function<void()>& damage) {
    const BootState after{SlotId::b, std::nullopt, false};
    sweep(
        "bless",
        [&] {
          ASSERT_NO_FATAL_FAILURE(begin(true));
          damage();
        },
        [&] {
          const auto now = control.state();
          EXPECT_TRUE(!now || *now == after || now->fallback == SlotId::a);
          const std::string cmdline = dir.path() + "/proc/cmdline",
                            boot_id = dir.path() + "/proc/sys/kernel/random/boot_id";
          const auto same_boot = {std::pair(cmdline, read(cmdline)), {boot_id, read(boot_id)}};
          EXPECT_FALSE(loader.start().trial);
          for (const auto& [file, text] : same_boot) write(file, text);
          ASSERT_NO_FATAL_FAILURE(again("bless", after));
        });
  }

  ScratchDir dir;
  GrubLoader loader{dir.path()};
  RootDir root = dir.root();
  GrubBootControl control{root, {}};
};

TEST_F(GrubCrash, Arm) {
  EXPECT_GE(sweep_whole("arm", false, {SlotId::a, Trial{SlotId::b, 3, 0}, true}), 2);
}

TEST_F(GrubCrash, ArmAgain) {
  EXPECT_GE(sweep_whole("arm", true, {SlotId::a, Trial{SlotId::b, 3, 1}, true}), 2);
}

TEST_F(GrubCrash, Bless) {
  EXPECT_GE(sweep_whole("bless", true, {SlotId::b, std::nullopt, false}), 4);
}

TEST_F(GrubCrash, Reject) {
  EXPECT_GE(sweep_whole("reject", true, {SlotId::a, std::nullopt, false}), 2);
}

TEST_F(GrubCrash, RejectAgainIsSyncedAgain) {
  EXPECT_GE(sweep_whole("reject", false, {SlotId::a, std::nullopt, false}), 2);
}

TEST_F(GrubCrash, BlessOverDamage) {
  const auto env = loader.env_file();
  const auto good = loader.good_file();
  sweep_repair([&] { write(env, std::string(1024, '\0')); });
  sweep_repair([&] { write(env, read(env).substr(0, 512)); });
  sweep_repair([&] { write(env, ""); });
  sweep_repair([&] { std::filesystem::remove(good); });
  sweep_repair([&] { write(good, std::string(4096, '#')); });
}

// A cut inside bless, then the power comes back to the old slot: the trial is armed again by
// itself.
TEST_F(GrubCrash, ACutInsideBlessLosesNoGoodRelease) {
  for (int n = 1; n <= 4; ++n) {
    begin(true);
    run_with_crash({CUBE_BOOT_WRITER, dir.path(), "bless", "b"}, n, Crash::kill);
    if (loader.start().slot == SlotId::b) continue;
    ASSERT_TRUE(control.arm(SlotId::b, 2)) << n;
    EXPECT_EQ(read(loader.good_file()), good_naming(SlotId::a)) << n;
    ASSERT_EQ(loader.start(), (Started{SlotId::b, true}));
    ASSERT_TRUE(control.bless(SlotId::b));
    EXPECT_EQ(loader.start(), (Started{SlotId::b, false}));
  }
}

}  // namespace
}  // namespace cube
