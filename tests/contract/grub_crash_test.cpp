// Every call of GrubBootControl, ended at each of its steps: killed, torn, and with failing steps.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "boot/grub/grub_boot_control.h"
#include "tests/support/crash_sweep.h"
#include "tests/support/grub_loader.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

// Nothing here tells a disk from memory: a killed program loses no page.
[[maybe_unused]] const bool in_memory =
    ::access("/dev/shm", W_OK) == 0 && ::setenv("TMPDIR", "/dev/shm", 0) == 0;

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

const std::vector<CrashPoint> all_kinds = {{0, CrashKind::kill, 0},
                                           {0, CrashKind::torn, 0},
                                           {0, CrashKind::error, EIO},
                                           {0, CrashKind::error, ENOSPC},
                                           {0, CrashKind::error, EROFS}};

class GrubCrash : public ::testing::Test {
 protected:
  GrubCrash() : root(dir.root()), control(root) {}

  // A machine that runs the fallback a, or the trial b.
  void begin(bool trial_runs) {
    loader.install(SlotId::a);
    loader.start();
    if (!trial_runs) return;
    ASSERT_TRUE(control.arm(SlotId::b, 3));
    ASSERT_EQ(loader.start(), (Started{SlotId::b, true}));
  }

  SweepResult sweep(const std::string& call, const std::string& slot, std::function<void()> prepare,
                    std::function<void(const CrashPoint&)> check) {
    CrashPlan plan;
    plan.program.argv = {CUBE_BOOT_WRITER, dir.path(), call, slot};
    plan.prepare = std::move(prepare);
    plan.kinds = all_kinds;
    plan.check = [&](const CrashPoint& point, const SpawnOutcome& outcome) {
      SCOPED_TRACE(call + " " + point.text() + ": " + outcome.output);
      const bool died = outcome.exit_code == 137;
      EXPECT_EQ(died, point.kind != CrashKind::error);
      if (!died) {
        EXPECT_EQ(outcome.exit_code, point.error_number == EROFS ? 11 : 1) << "no false success";
      }
      check(point);
    };
    const auto result = crash_sweep(plan);
    EXPECT_TRUE(result) << result.error().what;
    EXPECT_EQ(result->reached, result->calls * all_kinds.size());
    EXPECT_EQ(result->finished, 0U);
    return *result;
  }

  // Each file is the old block or a new one, state() is of before or after, and once more mends it.
  void sweep_whole(const std::string& call, bool trial_runs, const BootState& after,
                   std::uint64_t least_calls) {
    BootState before;
    std::string old_env, old_good;
    const auto result = sweep(
        call, "b",
        [&] {
          ASSERT_NO_FATAL_FAILURE(begin(trial_runs));
          before = control.state().value();
          old_env = read(loader.env_path());
          old_good = read(loader.good_path());
        },
        [&](const CrashPoint&) {
          const auto env = read(loader.env_path());
          const auto parsed = parse_env(env);
          ASSERT_TRUE(parsed) << parsed.error().what;
          EXPECT_TRUE(env == old_env || to_boot_state(*parsed) == after);
          const auto good = read(loader.good_path());
          EXPECT_TRUE(good == old_good || good == render_good(after.fallback));
          EXPECT_FALSE(to_boot_state(*parsed) == after && good != render_good(after.fallback))
              << "good before env";
          const auto now = control.state();
          ASSERT_TRUE(now) << now.error().what;
          EXPECT_TRUE(*now == before || *now == after);
          ASSERT_NO_FATAL_FAILURE(again(call, after));
        });
    EXPECT_GE(result.calls, least_calls);
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

  // bless over records that were damaged: the machine starts a good slot at every instant.
  void sweep_repair(const std::function<void()>& damage) {
    sweep("bless", "b",
          [&] {
            ASSERT_NO_FATAL_FAILURE(begin(true));
            damage();
          },
          [&](const CrashPoint&) {
            const BootState after{SlotId::b, std::nullopt, false};
            const auto now = control.state();
            EXPECT_TRUE(!now || *now == after || now->fallback == SlotId::a);
            GrubLoader other = loader;
            const auto cmdline = read(loader.cmdline_path());
            EXPECT_FALSE(other.start().trial);
            write(loader.cmdline_path(), cmdline);
            ASSERT_NO_FATAL_FAILURE(again("bless", after));
          });
  }

  ScratchDir dir;
  GrubLoader loader{dir.path()};
  RootDir root;
  GrubBootControl control;
};

TEST_F(GrubCrash, Arm) {
  sweep_whole("arm", false, {SlotId::a, Trial{SlotId::b, 3, 0}, true}, 2);
}

TEST_F(GrubCrash, ArmAgain) {
  sweep_whole("arm", true, {SlotId::a, Trial{SlotId::b, 3, 1}, true}, 2);
}

TEST_F(GrubCrash, Bless) { sweep_whole("bless", true, {SlotId::b, std::nullopt, false}, 4); }

TEST_F(GrubCrash, Reject) { sweep_whole("reject", true, {SlotId::a, std::nullopt, false}, 2); }

TEST_F(GrubCrash, BlessOverDamage) {
  const auto env = loader.env_path();
  const auto good = loader.good_path();
  sweep_repair([&] { write(env, std::string(1024, '\0')); });
  sweep_repair([&] { write(env, read(env).substr(0, 512)); });
  sweep_repair([&] { write(env, ""); });
  sweep_repair([&] { std::filesystem::remove(env); });
  sweep_repair([&] { std::filesystem::remove(good); });
  sweep_repair([&] {
    std::filesystem::remove(env);
    std::filesystem::create_symlink("good", env);
  });
}

TEST_F(GrubCrash, AReadOnlyPartitionIsNamed) {
  begin(false);
  const CrashProgram arm{{CUBE_BOOT_WRITER, dir.path(), "arm", "b"}, {}};
  const auto outcome = run_to(arm, {1, CrashKind::error, EROFS});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->exit_code, 11);
  EXPECT_NE(outcome->output.find("mount the boot partition read-write"), std::string::npos)
      << outcome->output;
}

TEST(CrashShim, CountsOnlyWhatChangesADisk) {
  const ScratchDir dir;
  write(dir.path() + "/file", "x");
  EXPECT_EQ(count_calls({{"/bin/cat", dir.path() + "/file"}, {}}).value(), 0U);
  EXPECT_EQ(count_calls({{"/bin/mkdir", dir.path() + "/made"}, {}}).value(), 1U);
  EXPECT_TRUE(std::filesystem::exists(dir.path() + "/made"));
  EXPECT_FALSE(count_calls({{"/bin/cat", dir.path() + "/none"}, {}})) << "a failing run counts nothing";
  const CrashProgram remove{{"/bin/rm", "-f", dir.path() + "/file"}, {}};
  EXPECT_EQ(run_to(remove, {1, CrashKind::kill, 0})->exit_code, 137);
  EXPECT_TRUE(std::filesystem::exists(dir.path() + "/file"));
  EXPECT_EQ(run_to(remove, {2, CrashKind::kill, 0})->exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(dir.path() + "/file"));
}

}  // namespace
}  // namespace cube
