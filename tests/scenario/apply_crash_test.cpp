// The real program on an appliance laid out in a folder, killed or failed at its mutating calls: it
// must leave slot a alone, never lead the loader into a half-written slot, and go on afterwards.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "slots/seal_file.h"
#include "tests/support/crash_sweep.h"
#include "tests/support/folder_appliance.h"

namespace cube {
namespace {

constexpr int exit_reboot_needed = 20;
// An apply of this tree makes far more calls; fewer than this means that the shim lost sight of them.
constexpr int fewest_calls = 100;
constexpr int points_in_short_sweep = 40;

const std::vector<std::string> apply_command{"apply", "--no-reboot"};

std::string text_of(const Json& json) { return json.line(); }

bool sealed(const FolderAppliance& appliance, const std::string& slot, const std::string& release) {
  const auto folder = RootDir::open(appliance.root() + "/slots/" + slot);
  if (!folder) return false;
  const auto seal = read_seal(*folder);
  return seal && *seal && (*seal)->release == release;
}

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
  EXPECT_TRUE(sealed(appliance, "b", FolderAppliance::newer));
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

class ApplyCrashSweep : public testing::Test {
 protected:
  void SetUp() override {
    appliance_.keep();
    before_ = appliance_.tree("a");
    const auto counted =
        count_calls(appliance_.command_line(apply_command), FolderAppliance::environment());
    ASSERT_EQ(counted.exit_code, exit_reboot_needed) << counted.output;
    calls_ = counted.calls;
    ASSERT_GE(calls_, fewest_calls);
  }

  // What must hold at once, before anything mends the appliance.
  void check_now(const std::string& when) {
    EXPECT_EQ(appliance_.tree("a"), before_) << when << ": slot a changed";
    EXPECT_NO_THROW((void)appliance_.status()) << when;
    const bool whole = sealed(appliance_, "b", FolderAppliance::newer);
    if (whole) {
      EXPECT_EQ(get_tool(), std::string("tool of ") + FolderAppliance::newer)
          << when << ": sealed, but not whole";
    }
    const bool armed = offered();
    EXPECT_TRUE(whole || !armed) << when << ": armed without a seal";
    EXPECT_EQ(would_start(), (Started{armed ? SlotId::b : SlotId::a, armed})) << when;
  }

  // What the loader would start now: its turn on a copy of its records.
  [[nodiscard]] Started would_start() const {
    const ScratchDir elsewhere;
    std::filesystem::copy(appliance_.root() + "/boot", elsewhere.path() + "/boot",
                          std::filesystem::copy_options::recursive);
    return GrubLoader(elsewhere.path()).start();
  }

  bool offered() const {
    const auto trial = appliance_.status().member("trial");
    if (!trial) return false;
    const auto value = trial->member("offered");
    return value && value->boolean() && *value->boolean();
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

  void crash_at(int n, Crash crash) {
    const std::string when = "call " + std::to_string(n) + " of " + std::to_string(calls_) +
                             (crash == Crash::no_space ? ", no space" : ", killed");
    SCOPED_TRACE(when);
    appliance_.restore();
    const auto crashed = run_with_crash(appliance_.command_line(apply_command), n, crash,
                                        FolderAppliance::environment());
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
  int calls_ = 0;
  int killed_ = 0;
  int failed_ = 0;
};

TEST_F(ApplyCrashSweep, EveryCutLeavesAnApplianceThatGoesOn) {
  const bool full = std::getenv("CUBE_FULL_SWEEP") != nullptr;
  const int stride = full ? 1 : std::max(1, calls_ / points_in_short_sweep);
  int points = 0;
  for (int n = 1; n <= calls_ && !HasFailure(); n += stride) crash_at(n, kind_of(points++));
  std::cout << points << " points of " << calls_ << " mutating calls: " << killed_ << " killed, "
            << failed_ << " failed for want of space\n";
  RecordProperty("points", points);
  EXPECT_GE(points, points_in_short_sweep);
  EXPECT_GE(killed_, points / 2);
}

}  // namespace
}  // namespace cube
