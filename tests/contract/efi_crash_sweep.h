// Every call of an adapter whose records are on the EFI system partition or in the firmware's
// variables, ended at each of its steps, as grub_crash_test.cpp does it. After each cut the state
// is that of before or of after, the machine starts a good slot, nothing that is named is half a
// kernel, and the same call once more does the work.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iterator>

#include "boot/boot_control.h"
#include "tests/support/crash_sweep.h"
#include "tests/support/efi_machine.h"
#include "tests/support/scratch_dir.h"

namespace cube {

[[maybe_unused]] inline const bool efi_crash_in_memory =
    ::access("/dev/shm", W_OK) == 0 && ::setenv("TMPDIR", "/dev/shm", 0) == 0;

// Loader plays what starts the machine; `prefix` is boot_writer's name of the adapter.
template <typename Loader, typename Control>
class EfiCrash : public ::testing::Test {
 protected:
  explicit EfiCrash(std::string name) : prefix(std::move(name)) {}

  // What could be started has the slot's own kernel.
  virtual void expect_what_is_named_is_whole() const = 0;

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
    const std::vector<std::string> argv = {CUBE_BOOT_WRITER, dir.path(), prefix + call, "b"};
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
        if (::testing::Test::HasFatalFailure()) return steps;
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

  void again(const std::string& call, const BootState& after) {
    using std::filesystem::directory_iterator;
    const auto status = call == "arm"     ? control.arm(SlotId::b, 3)
                        : call == "bless" ? control.bless(SlotId::b)
                                          : control.reject(SlotId::b);
    ASSERT_TRUE(status) << status.error().what;
    EXPECT_EQ(control.state().value(), after);
    const Started next{after.offered ? after.trial->slot : after.fallback, after.offered};
    EXPECT_EQ(loader.start(), next);
    const int copies =
        static_cast<int>(std::distance(directory_iterator(loader.esp() + "/cube/kernels"), {}));
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

  const std::string prefix;
  ScratchDir dir;
  Loader loader{dir.path()};
  RootDir root = dir.root();
  FolderKernels kernels{root};
  Control control{root, kernels, {}};
};

}  // namespace cube
