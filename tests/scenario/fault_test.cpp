// The real program downloads ahead, or fills a slot from packs, and is killed or meets a disk that
// is full or dies: at once slot a is whole, no seal is on a slot that is not, and what is
// remembered can be read; a failure is told in one clear sentence; the next run without faults goes
// on to the end.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>

#include "agent/cli/exit_code.h"
#include "base/digest.h"
#include "slots/pack/pack_index.h"
#include "tests/support/crash_sweep.h"
#include "tests/support/folder_appliance.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

using Words = std::vector<std::string>;
using Tree = std::map<std::string, std::string>;

constexpr int killed = 128 + 9;
constexpr const char* staging = "/var/lib/cube-update/staging/";
const Words fetch_command{"fetch"};
const Words apply_command{"apply", "--no-reboot"};

std::string name_of(Crash crash) {
  switch (crash) {
    case Crash::kill:
      return "killed";
    case Crash::torn:
      return "killed within it";
    case Crash::no_space:
      return "no space once";
    case Crash::io_error:
      return "an I/O error once";
    case Crash::read_only:
      return "read-only once";
    case Crash::disk_full:
      return "no space from there on";
    case Crash::disk_dies:
      return "I/O errors from there on";
  }
  return "";
}

bool kills(Crash crash) {
  return crash == Crash::kill || crash == Crash::torn;
}
bool for_want_of_space(Crash crash) {
  return crash == Crash::no_space || crash == Crash::disk_full;
}

// What the program said last, if that is an error.
std::string complaint(const std::string& output) {
  const auto at = output.rfind("\ncube-update: ");
  return at == std::string::npos ? output : output.substr(at + 1);
}

// One fault of a sweep, and what came of it.
struct Blow {
  Crash crash;
  Counted ran;
};

// Where calls are counted, how many points of them a short run takes, and what happens there, in
// turn; a full run takes each at each call.
struct Sweep {
  std::string on;
  int points;
  std::vector<Crash> crashes;
};

class FaultSweep : public testing::Test {
 protected:
  // Each fault meets the appliance as it is now.
  void begin() {
    appliance_.keep();
    a_before_ = appliance_.tree("a");
    b_before_ = appliance_.tree("b");
    ASSERT_EQ(appliance_.apply().exit_code, exit_reboot_needed);
    wanted_ = release_in_b();
    ASSERT_TRUE(wanted_.contains("/usr/bin/tool"));
  }

  void sweep(const Words& command, int good, const Sweep& how,
             const std::function<void(const Blow&)>& judge) {
    appliance_.restore();
    const auto whole =
        count_calls(appliance_.command_line(command), FolderAppliance::environment(), how.on);
    ASSERT_EQ(whole.exit_code, good) << whole.output;
    ASSERT_GT(whole.calls, 0) << how.on;
    const bool full = std::getenv("CUBE_FULL_SWEEP") != nullptr;
    const int stride = full ? 1 : std::max(1, whole.calls / how.points);
    std::size_t points = 0;
    for (int n = 1; n <= whole.calls && !HasFailure(); n += stride) {
      const auto turn = points % how.crashes.size();
      const auto first = how.crashes.begin() + (full ? 0 : static_cast<std::ptrdiff_t>(turn));
      const auto last = full ? how.crashes.end() : first + 1;
      for (auto crash = first; crash != last && !HasFailure(); ++crash, ++points) {
        const std::string when = command[0] + ": " + name_of(*crash) + " at call " +
                                 std::to_string(n) + " of " + std::to_string(whole.calls) +
                                 (how.on.empty() ? "" : " on " + how.on);
        SCOPED_TRACE(when);
        appliance_.restore();
        const auto ran = run_with_crash(appliance_.command_line(command), n, *crash,
                                        FolderAppliance::environment(), how.on);
        if (kills(*crash)) {
          // Threads do not make the same calls each time.
          EXPECT_TRUE(ran.exit_code == killed || ran.calls < n) << ran.exit_code << ran.output;
        } else {
          expect_clear(*crash, ran, good);
        }
        (ran.exit_code == good ? unharmed_ : harmed_) += 1;
        check_now(ran.output);
        judge({*crash, ran});
      }
    }
    std::cout << points << " points of " << whole.calls << " calls of " << command[0] << " on "
              << (how.on.empty() ? "anything" : how.on) << "\n";
  }

  static void expect_clear(Crash crash, const Counted& ran, int good) {
    if (ran.exit_code == good) return;
    EXPECT_EQ(ran.exit_code, for_want_of_space(crash) ? exit_no_space : exit_failed) << ran.output;
    const auto sentence = complaint(ran.output);
    EXPECT_TRUE(sentence.starts_with("cube-update: ")) << ran.output;
    EXPECT_EQ(std::count(sentence.begin(), sentence.end(), '\n'), 1) << ran.output;
    const auto* reason =
        for_want_of_space(crash) ? "No space left on device" : "Input/output error";
    EXPECT_NE(sentence.find(reason), std::string::npos) << ran.output;
  }

  // Before anything mends the appliance.
  void check_now(const std::string& output) {
    EXPECT_EQ(appliance_.tree("a"), a_before_) << "slot a changed: " << output;
    const auto status = appliance_.status();
    phase_ = status.member("phase").value().string().value();
    const auto release = appliance_.sealed_release("b");
    if (release == FolderAppliance::newer) {
      EXPECT_EQ(release_in_b(), wanted_) << "sealed, but not whole: " << output;
    } else if (!release.empty()) {
      EXPECT_EQ(appliance_.tree("b"), b_before_) << "sealed, but changed: " << output;
    }
    const bool armed = offers_trial(status);
    EXPECT_TRUE(release == FolderAppliance::newer || !armed)
        << "armed without its seal: " << output;
    EXPECT_EQ(appliance_.would_start(), (Started{armed ? SlotId::b : SlotId::a, armed})) << output;
  }

  // Slot b without what belongs to this machine: the seal, and the repository's own files.
  [[nodiscard]] Tree release_in_b() const {
    auto tree = appliance_.tree("b");
    std::erase_if(tree, [](const auto& entry) {
      const std::string& path = entry.first;
      return path.starts_with("/.cube") ||
             (path.starts_with("/ostree") && !path.starts_with("/ostree/repo/objects/"));
    });
    return tree;
  }

  void expect_applies() {
    const auto ran = appliance_.apply();
    ASSERT_EQ(ran.exit_code, exit_reboot_needed) << ran.output;
    EXPECT_EQ(appliance_.sealed_release("b"), FolderAppliance::newer);
    EXPECT_EQ(release_in_b(), wanted_);
    EXPECT_EQ(appliance_.would_start(), (Started{SlotId::b, true}));
    EXPECT_EQ(staged(), Words{});
  }

  void expect_applies_without_the_source() {
    fs::rename(appliance_.repository(), away());
    expect_applies();
    fs::rename(away(), appliance_.repository());
  }

  // Files in the staging folder, by their paths there.
  [[nodiscard]] Words staged() const {
    Words paths;
    const std::string top = appliance_.root() + staging;
    if (!fs::exists(top)) return paths;
    for (const auto& entry : fs::recursive_directory_iterator(top))
      if (!entry.is_directory()) paths.push_back(entry.path().string().substr(top.size()));
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  [[nodiscard]] std::string away() const { return appliance_.repository() + ".away"; }

  FolderAppliance appliance_;
  Tree a_before_, b_before_, wanted_;
  std::string phase_;  // after the fault
  int harmed_ = 0;
  int unharmed_ = 0;
};

// Slot b holds the older release, so what is missing is downloaded as a delta.
class FetchFaults : public FaultSweep {
 protected:
  void SetUp() override {
    appliance_.add_delta();
    appliance_.copy_slot_a_to_b();
    begin();
  }

  // What was downloaded is whole, and the same as what is published; there is nothing else.
  void expect_staged() const {
    const auto files = staged();
    ASSERT_EQ(files.size(), 2U) << testing::PrintToString(files);
    const std::string release = files[0].substr(0, files[0].find('/'));
    EXPECT_EQ(files[0], release + "/manifest.json");
    EXPECT_EQ(to_hex(sha256(get(appliance_.root() + staging + files[0]))), release);
    const auto delta = get(appliance_.published("delta.pack"));
    EXPECT_EQ(files[1], release + "/objects/" + to_hex(sha256(delta)) + ".pack");
    // All but the header, which the manifest makes superfluous.
    const auto kept = get(appliance_.root() + staging + files[1]);
    ASSERT_EQ(kept.size(), delta.size());
    EXPECT_EQ(kept.substr(pack_header_bytes), delta.substr(pack_header_bytes));
  }
  void judge(const Blow& blow) {
    EXPECT_EQ(appliance_.tree("b"), b_before_) << "slot b changed: " << blow.ran.output;
    EXPECT_TRUE(phase_ == "fetched" || blow.ran.exit_code != exit_done) << phase_;
    // What counts as fetched needs no further run.
    if (phase_ != "fetched" || kills(blow.crash)) {
      const auto again = appliance_.run(fetch_command);
      ASSERT_EQ(again.exit_code, exit_done) << again.output;
    }
    expect_staged();
    expect_applies_without_the_source();
  }
  void sweep_fetch(const Sweep& how) {
    sweep(fetch_command, exit_done, how, [this](const Blow& blow) { judge(blow); });
  }
};

TEST_F(FetchFaults, ADownloadThatIsKilledGoesOn) {
  sweep_fetch({"", 8, {Crash::kill, Crash::torn}});
  sweep_fetch({staging, 6, {Crash::torn, Crash::kill}});
  EXPECT_EQ(unharmed_, 0);
}

TEST_F(FetchFaults, ADownloadOntoABadDiskFailsClearly) {
  sweep_fetch({"", 4, {Crash::io_error, Crash::no_space}});
  sweep_fetch({"/var/lib/cube-update/", 4, {Crash::disk_full, Crash::disk_dies}});
  sweep_fetch({staging, 6, {Crash::no_space, Crash::io_error, Crash::disk_full, Crash::disk_dies}});
  EXPECT_GT(harmed_, unharmed_);
}

class FillFaults : public FaultSweep {
 protected:
  void sweep_apply(const Sweep& how) {
    sweep(apply_command, exit_reboot_needed, how, [this](const Blow& blow) {
      if (blow.ran.exit_code == exit_reboot_needed) {
        EXPECT_EQ(appliance_.sealed_release("b"), FolderAppliance::newer) << blow.ran.output;
      }
      expect_applies();
    });
  }
  void sweep_bad_disks() {
    sweep_apply({"", 4, {Crash::no_space, Crash::io_error}});
    sweep_apply(
        {"/slots/b", 10, {Crash::io_error, Crash::no_space, Crash::disk_full, Crash::disk_dies}});
    sweep_apply({"/var/lib/cube-update/", 2, {Crash::disk_full, Crash::disk_dies}});
    EXPECT_GT(harmed_, unharmed_);
  }
};

TEST_F(FillFaults, FromADelta) {
  appliance_.add_delta();
  appliance_.copy_slot_a_to_b();
  begin();
  sweep_bad_disks();
}

// It is the source that fails, not this machine: the full pack may still be had there.
TEST_F(FillFaults, ADeltaThatCannotBeReadIsPassedOver) {
  appliance_.add_delta();
  appliance_.copy_slot_a_to_b();
  begin();
  appliance_.restore();
  const auto delta = appliance_.published("delta.pack");
  fs::remove(delta);
  fs::create_symlink(delta.filename(), delta);  // to itself: ELOOP
  const auto ran = appliance_.apply();
  EXPECT_EQ(ran.exit_code, exit_reboot_needed) << ran.output;
  EXPECT_NE(ran.output.find("passed over"), std::string::npos) << ran.output;
  EXPECT_EQ(release_in_b(), wanted_);
}

// Slot b is empty, so the rest comes from the running slot.
TEST_F(FillFaults, FromTheFullPack) {
  begin();
  sweep_bad_disks();
}

TEST_F(FillFaults, FromWhatWasDownloaded) {
  appliance_.add_delta();
  appliance_.copy_slot_a_to_b();
  begin();
  appliance_.restore();
  ASSERT_EQ(appliance_.run(fetch_command).exit_code, exit_done);
  appliance_.keep();
  sweep_apply({"/slots/b", 4, {Crash::io_error, Crash::no_space}});
}

}  // namespace
}  // namespace cube
