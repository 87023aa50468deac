#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "agent/schedule/download_start.h"
#include "agent/schedule/schedule.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

class ScheduleTest : public testing::Test {
 protected:
  ScheduleTest() {
    config_.schedule_windows = {"Sat,Sun 02:00 +4h"};
    config_.schedule_time_zone = "UTC";
    update_.start = Start::in_window;
    write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
  }

  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file(dir_.path() + "/" + path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  Schedule schedule() { return {root_, config_}; }
  std::string hold(const char* now) {
    return schedule().holds_back(update_, parse_utc(now).value()).value();
  }

  UnixSeconds start_after(UnixSeconds now) { return schedule().next_start(now).value()->begin; }

  ScratchDir dir_;
  RootDir root_ = dir_.root();
  Config config_;
  Update update_;
};

TEST_F(ScheduleTest, AWindowThatIsClosedHoldsBackAndSaysUntilWhen) {
  config_.schedule_spread = 0;
  EXPECT_EQ(hold("2026-11-27T12:00:00Z"),
            "waits for the maintenance window: starts 2026-11-28 02:00 UTC, the window ends "
            "2026-11-28 06:00 UTC");
  EXPECT_EQ(hold("2026-11-28T02:00:00Z"), "");
  EXPECT_EQ(hold("2026-11-28T05:59:59Z"), "");
  EXPECT_NE(hold("2026-11-28T06:00:00Z"), "");
  update_.start = Start::at_once;
  EXPECT_EQ(hold("2026-11-27T12:00:00Z"), "");
}

TEST_F(ScheduleTest, ATimeIsWaitedFor) {
  update_.start = Start::at_time;
  update_.not_before = parse_utc("2026-11-27T13:00:00Z").value();
  EXPECT_EQ(hold("2026-11-27T12:59:59Z"), "waits until 2026-11-27 13:00 UTC");
  EXPECT_EQ(hold("2026-11-27T13:00:00Z"), "") << "windows do not matter";
  update_.start = Start::in_window;
  EXPECT_NE(hold("2026-11-27T13:00:00Z"), "") << "both";
}

TEST_F(ScheduleTest, MachinesStartOneAfterTheOther) {
  config_.schedule_spread = 3600;
  std::set<UnixSeconds> starts;
  const auto friday = parse_utc("2026-11-27T12:00:00Z").value();
  const auto opens = parse_utc("2026-11-28T02:00:00Z").value();
  for (int machine = 0; machine < 200; ++machine) {
    write("etc/machine-id", std::to_string(machine));
    const auto start = start_after(friday);
    EXPECT_EQ(start, start_after(start)) << "asked again, the same";
    EXPECT_GE(start, opens);
    EXPECT_LE(start, opens + 3600);
    starts.insert(start);
  }
  EXPECT_GT(starts.size(), 180U);
  EXPECT_LT(*starts.begin(), opens + 300);
  EXPECT_GT(*starts.rbegin(), opens + 3300);
  config_.schedule_spread = 86400;
  for (int machine = 0; machine < 200; ++machine) {
    write("etc/machine-id", std::to_string(machine));
    EXPECT_LE(start_after(friday), opens + 7200) << "half the window is left";
  }
}

TEST_F(ScheduleTest, AFileHolds) {
  EXPECT_EQ(hold("2026-11-28T05:00:00Z"), "");
  write("run/cube-update/hold.d/backup", "backup of \x1b[31mceph\nmore\n");
  EXPECT_EQ(hold("2026-11-28T05:00:00Z"),
            "held by " + root_.join("run/cube-update/hold.d/backup") + ": backup of ?[31mceph");
  std::filesystem::remove_all(dir_.path() + "/run");
  write("etc/cube-update/hold.d/audit", "");
  EXPECT_EQ(hold("2026-11-28T05:00:00Z"), "held by " + root_.join("etc/cube-update/hold.d/audit"));
}

TEST_F(ScheduleTest, TheSystemsTimeZone) {
  config_.schedule_time_zone = "";
  const auto noon = parse_utc("2026-11-28T12:00:00Z").value();
  EXPECT_EQ(schedule().format(noon), "2026-11-28 12:00 UTC");
  std::filesystem::create_symlink("/usr/share/zoneinfo/Asia/Taipei",
                                  dir_.path() + "/etc/localtime");
  EXPECT_EQ(schedule().format(noon), "2026-11-28 20:00 CST");
  EXPECT_EQ(schedule().parse_time("2026-11-28 02:00").value(),
            parse_utc("2026-11-27T18:00:00Z").value());
  EXPECT_EQ(schedule().parse_time("2026-11-27T18:00:00Z").value(),
            parse_utc("2026-11-27T18:00:00Z").value());
  for (const auto* text :
       {"", "tomorrow", "2026-11-28", "02:00", "2026-11-28T02:00", "2026-11-28 02:00:00"})
    EXPECT_EQ(schedule().parse_time(text).error().code, Errc::invalid) << text;
}

TEST_F(ScheduleTest, AZoneThatIsNotThereIsAnErrorOfThoseWhoNeedIt) {
  config_.schedule_time_zone = "Europe/Atlantis";
  const auto now = parse_utc("2026-11-28T05:00:00Z").value();
  EXPECT_FALSE(schedule().holds_back(update_, now));
  EXPECT_FALSE(schedule().next_start(now));
  EXPECT_FALSE(schedule().parse_time("2026-11-28 02:00"));
  EXPECT_TRUE(schedule().parse_time("2026-11-28T02:00:00Z"));
  EXPECT_EQ(schedule().format(now), "2026-11-28 05:00 UTC");
  update_.start = Start::at_once;
  EXPECT_EQ(schedule().holds_back(update_, now).value(), "");
}

TEST_F(ScheduleTest, WhenToLookForReleases) {
  config_.schedule_check_interval = 3600;
  const auto now = parse_utc("2026-11-28T05:00:00Z").value();
  const auto plan = schedule();
  EXPECT_TRUE(plan.check_is_due(0, now));
  EXPECT_FALSE(plan.check_is_due(now - 3599, now));
  EXPECT_TRUE(plan.check_is_due(now - 4500, now)) << "an hour and a quarter of one";
  EXPECT_TRUE(plan.check_is_due(now + 86400, now)) << "the clock was set back";
}

TEST_F(ScheduleTest, DownloadsBeginOneAfterTheOtherAndAreNotMoved) {
  config_.schedule_windows.clear();
  const auto plan = schedule();
  const auto now = parse_utc("2026-11-27T12:00:00Z").value();
  std::set<UnixSeconds> starts;
  for (int machine = 0; machine < 200; ++machine) {
    write("etc/machine-id", std::to_string(machine));
    DownloadStart start(root_, plan, 3600);
    ASSERT_TRUE(start.forget());
    EXPECT_FALSE(start.is_due(now));
    const auto begin = start.begin_of("R_1", now).value();
    EXPECT_GE(begin, now);
    EXPECT_LE(begin, now + 3600);
    DownloadStart again(root_, plan, 3600);
    EXPECT_EQ(again.begin_of("R_1", now + 60).value(), begin) << "after a restart";
    EXPECT_EQ(again.waiting()->release, "R_1");
    EXPECT_FALSE(again.is_due(begin - 1));
    EXPECT_TRUE(again.is_due(begin));
    EXPECT_TRUE(again.is_due(now - 86400)) << "the clock was set back";
    starts.insert(begin);
  }
  EXPECT_GT(starts.size(), 150U);
  EXPECT_LT(*starts.begin(), now + 300);
  EXPECT_GT(*starts.rbegin(), now + 3300);
}

TEST_F(ScheduleTest, ADownloadBeginsBeforeTheWindow) {
  const auto plan = schedule();
  const auto friday = parse_utc("2026-11-27T12:00:00Z").value();
  const auto opens = start_after(friday);
  for (int machine = 0; machine < 50; ++machine) {
    DownloadStart start(root_, plan, 604800);
    const auto release = "R_" + std::to_string(machine);
    EXPECT_LE(start.begin_of(release, friday).value(), friday + (opens - friday) / 2);
    EXPECT_EQ(start.begin_of(release + "_in", opens + 60).value(), opens + 60) << "it is open";
  }
}

TEST_F(ScheduleTest, WithoutASpreadNothingIsWaitedFor) {
  const auto plan = schedule();
  DownloadStart start(root_, plan, 0);
  EXPECT_EQ(start.begin_of("R_1", 1000).value(), 1000);
  write("var/lib/cube-update/download-start", "R_1 2000\n");
  EXPECT_FALSE(start.waiting());
  EXPECT_FALSE(start.is_due(3000));
  for (const char* text : {"", "R_1", "R_1 ", "R_1 x", "../x 2000", " 5"}) {
    write("var/lib/cube-update/download-start", text);
    EXPECT_FALSE(DownloadStart(root_, plan, 60).waiting()) << text;
  }
}

}  // namespace
}  // namespace cube
