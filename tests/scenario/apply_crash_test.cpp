// The real program on an appliance laid out in a folder, killed or failed at its mutating calls: it
// must leave slot a alone, never lead the loader into a half-written slot, and go on afterwards.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "tests/support/crash_sweep.h"
#include "tests/support/folder_appliance.h"

namespace cube {
namespace {

constexpr int exit_reboot_needed = 20;
// An apply of this tree makes far more calls; fewer than this means that the shim lost sight of them.
constexpr int fewest_calls = 100;
constexpr int points_in_short_sweep = 6;
// The loader's environment blocks, the journal with the metadata beside it, and the seal: where a cut
// decides most, so they are swept apart; where calls are few, in each way.
constexpr const char* records[] = {"/boot/efi/cube/", "/var/lib/cube-update/", "seal"};
constexpr int fewest_calls_on_records = 2;
constexpr int points_on_records = 6;  // of each, in the short sweep
constexpr int few_calls = 5;

const std::vector<std::string> apply_command{"apply", "--no-reboot"};

std::string text_of(const Json& json) { return json.line(); }

void expect_commits(FolderAppliance& appliance, const std::string& when) {
  EXPECT_EQ(appliance.start(), (Started{SlotId::b, true})) << when;
  EXPECT_EQ(appliance.status_text("phase"), "trying") << when;
  const auto committed = appliance.commit();
  EXPECT_EQ(committed.exit_code, 0) << when << ": " << committed.output;
  EXPECT_EQ(appliance.status_text("phase"), "idle") << when;
  EXPECT_EQ(appliance.status_text("fallback"), "b") << when;
  EXPECT_NE(appliance.run({"history"}).output.find("committed"), std::string::npos) << when;
}

TEST(ApplyScenario, AppliesStartsAndCommits) {
  FolderAppliance appliance;
  EXPECT_EQ(appliance.status_text("booted"), "a");
  const auto before = appliance.tree("a");
  const auto applied = appliance.apply();
  ASSERT_EQ(applied.exit_code, exit_reboot_needed) << applied.output;
  EXPECT_EQ(appliance.sealed_release("b"), FolderAppliance::newer);
  EXPECT_EQ(appliance.tree("a"), before);
  EXPECT_EQ(appliance.status_text("fallback"), "a") << text_of(appliance.status());
  expect_commits(appliance, "plain");
  EXPECT_EQ(appliance.start(), (Started{SlotId::b, false})) << "b is the fallback now";
}

TEST(ApplyScenario, ATrialThatIsNotCommittedFallsBack) {
  FolderAppliance appliance;
  ASSERT_EQ(appliance.apply().exit_code, exit_reboot_needed);
  EXPECT_EQ(appliance.start_loader(), (Started{SlotId::b, true}));
  EXPECT_EQ(appliance.start_loader(), (Started{SlotId::a, false})) << "one start for one arming";
}

// From the second generation on: slot b holds the sealed release of an earlier update.
class ApplyCrashSweep : public testing::Test {
 protected:
  void SetUp() override {
    appliance_.copy_slot_a_to_b();
    ASSERT_EQ(appliance_.sealed_release("b"), FolderAppliance::older);
    appliance_.keep();
    before_ = appliance_.tree("a");
  }

  // What must hold at once, before anything mends the appliance.
  void check_now(const std::string& when) {
    EXPECT_EQ(appliance_.tree("a"), before_) << when << ": slot a changed";
    EXPECT_NO_THROW((void)appliance_.status()) << when;
    const auto release = appliance_.sealed_release("b");
    if (!release.empty()) {
      EXPECT_EQ(get_tool(), "tool of " + release) << when << ": sealed, but not whole";
    }
    const bool armed = offers_trial(appliance_.status());
    EXPECT_TRUE(release == FolderAppliance::newer || !armed) << when << ": armed without its seal";
    EXPECT_EQ(appliance_.would_start(), (Started{armed ? SlotId::b : SlotId::a, armed})) << when;
  }

  std::string get_tool() const {
    const auto slot = RootDir::open(appliance_.root() + "/slots/b").value();
    const auto text = slot.read_file("usr/bin/tool", 4096);
    return text ? *text : text.error().what;
  }

  static Crash kind_of(int point) {
    if (point % 5 == 4) return Crash::no_space;
    return point % 3 == 2 ? Crash::torn : Crash::kill;
  }

  // Crashes at calls that change a path with `on` in it; "": any path.
  void sweep(const std::string& on, int fewest, int points) {
    appliance_.restore();
    const auto counted = count_calls(appliance_.command_line(apply_command),
                                     FolderAppliance::environment(), on);
    ASSERT_EQ(counted.exit_code, exit_reboot_needed) << counted.output;
    ASSERT_GE(counted.calls, fewest) << on;
    const bool full = std::getenv("CUBE_FULL_SWEEP") != nullptr;
    const int stride = full ? 1 : std::max(1, counted.calls / points);
    int point = 0;
    for (int n = 1; n <= counted.calls && !HasFailure(); n += stride) {
      if (counted.calls > few_calls)
        crash_at(on, n, counted.calls, kind_of(point++));
      else
        for (const Crash crash : {Crash::kill, Crash::torn, Crash::no_space}) {
          crash_at(on, n, counted.calls, crash);
          ++point;
        }
    }
    std::cout << point << " points of " << counted.calls << " calls on "
              << (on.empty() ? "anything" : on) << "\n";
    points_ += point;
  }

  void crash_at(const std::string& on, int n, int calls, Crash crash) {
    const std::string when = "call " + std::to_string(n) + " of " + std::to_string(calls) + " on " +
                             (on.empty() ? "anything" : on) +
                             (crash == Crash::no_space ? ", no space" : ", killed");
    SCOPED_TRACE(when);
    appliance_.restore();
    const auto crashed = run_with_crash(appliance_.command_line(apply_command), n, crash,
                                        FolderAppliance::environment(), on);
    const bool ended = crashed.exit_code == 128 + 9 || crash == Crash::no_space ||
                       crashed.calls < n;  // threads do not make the same calls each time
    EXPECT_TRUE(ended) << crashed.exit_code << ": " << crashed.output;
    killed_ += crashed.exit_code == 128 + 9 ? 1 : 0;
    failed_ += crash == Crash::no_space && crashed.exit_code != exit_reboot_needed ? 1 : 0;
    check_now(when);
    go_on(when);
  }

  void go_on(const std::string& when) {
    const auto again = appliance_.apply();
    EXPECT_EQ(again.exit_code, exit_reboot_needed) << when << ": " << again.output;
    if (again.exit_code == exit_reboot_needed) expect_commits(appliance_, when);
  }

  FolderAppliance appliance_;
  std::map<std::string, std::string> before_;
  int points_ = 0;
  int killed_ = 0;
  int failed_ = 0;
};

TEST_F(ApplyCrashSweep, EveryCutLeavesAnApplianceThatGoesOn) {
  sweep("", fewest_calls, points_in_short_sweep);
  for (const std::string on : records) sweep(on, fewest_calls_on_records, points_on_records);
  std::cout << points_ << " points: " << killed_ << " killed, " << failed_
            << " failed for want of space\n";
  RecordProperty("points", points_);
  EXPECT_GE(killed_, points_ / 2);
}

}  // namespace
}  // namespace cube
