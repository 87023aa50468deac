#include <gtest/gtest.h>

#include "model/maintenance_window.h"

namespace cube {
namespace {

constexpr UnixSeconds january_2020 = 1'577'836'800, january_2040 = 2'208'988'800;

UnixSeconds utc(const char* text) {
  return parse_utc(text).value();
}

MaintenanceWindows windows(const std::vector<std::string>& rules, const std::string& zone = "UTC",
                           const std::vector<std::string>& exceptions = {}) {
  std::vector<WindowRule> parsed;
  for (const auto& rule : rules) parsed.push_back(parse_window(rule).value());
  std::vector<DayRange> days;
  for (const auto& range : exceptions) days.push_back(parse_days(range).value());
  return {parsed, days, TimeZone::find(zone).value()};
}

std::string next(const MaintenanceWindows& windows, const char* now) {
  const auto opening = windows.next(utc(now));
  return opening ? format_utc(opening->begin) + " " + format_utc(opening->end) : "none";
}

TEST(MaintenanceWindow, Texts) {
  EXPECT_EQ(parse_window("Sat,Sun 02:00 +4h").value(), (WindowRule{0x60, 0, 7200, 14400}));
  EXPECT_EQ(parse_window("1st,3rd Tue 22:30 +90m").value(), (WindowRule{0x02, 0x05, 81000, 5400}));
  EXPECT_EQ(parse_window("last Sun 03:00 +1d").value(), (WindowRule{0x40, 0x20, 10800, 86400}));
  EXPECT_EQ(parse_window("Fri-Mon 00:00 +10m").value(), (WindowRule{0x71, 0, 0, 600}));
  EXPECT_EQ(parse_window("daily  23:59 +7d").value(), (WindowRule{0x7f, 0, 86340, 604800}));
  for (const auto* text :
       {"", "Sat", "Sat 02:00", "Sat 02:00 4h", "Sat 2:00 +4h", "Sat 02:00 +9m", "Sat 02:00 +8d",
        "Sat 02:00 +0h", "Sat 02:00 +h", "Sat 02:00 +99999h", "Sat 02:00 +-4h", "sat 02:00 +4h",
        "Sat, 02:00 +4h", "Sat-Sun-Mon 02:00 +4h", "6th Sat 02:00 +4h", "1st 02:00 +4h",
        "1st Sat 02:00 +4h now", "Sat 24:00 +4h", "1st,,2nd Sat 02:00 +4h"}) {
    const auto rule = parse_window(text);
    ASSERT_FALSE(rule) << text;
    EXPECT_EQ(rule.error().code, Errc::invalid) << text;
  }
  EXPECT_FALSE(parse_window(std::string(100'000, ' ')));
  EXPECT_FALSE(parse_days("2026-12-24..2026-12-23"));
  EXPECT_FALSE(parse_days("2026-12-24.."));
}

TEST(MaintenanceWindow, OpenNowOrTheNext) {
  const auto nightly = windows({"Sat,Sun 02:00 +4h"});
  EXPECT_EQ(next(nightly, "2026-11-27T12:00:00Z"), "2026-11-28T02:00:00Z 2026-11-28T06:00:00Z");
  EXPECT_EQ(next(nightly, "2026-11-28T02:00:00Z"), "2026-11-28T02:00:00Z 2026-11-28T06:00:00Z");
  EXPECT_EQ(next(nightly, "2026-11-28T05:59:59Z"), "2026-11-28T02:00:00Z 2026-11-28T06:00:00Z");
  EXPECT_EQ(next(nightly, "2026-11-28T06:00:00Z"), "2026-11-29T02:00:00Z 2026-11-29T06:00:00Z");
  EXPECT_EQ(next(windows({}), "2026-11-28T06:00:00Z"), "none");
}

TEST(MaintenanceWindow, OneThatOpenedLongAgoIsStillOpen) {
  EXPECT_EQ(next(windows({"Mon 12:00 +7d"}), "2026-11-30T11:59:59Z"),
            "2026-11-23T12:00:00Z 2026-11-30T12:00:00Z");
  EXPECT_EQ(next(windows({"daily 01:00 +1h", "Sat 00:30 +3h"}), "2026-11-28T01:30:00Z"),
            "2026-11-28T00:30:00Z 2026-11-28T03:30:00Z")
      << "the one that ends last";
}

TEST(MaintenanceWindow, WeeksOfTheMonth) {
  EXPECT_EQ(next(windows({"2nd Tue 22:30 +90m"}), "2026-11-27T00:00:00Z"),
            "2026-12-08T22:30:00Z 2026-12-09T00:00:00Z");
  EXPECT_EQ(next(windows({"last Sun 03:00 +1h"}), "2026-11-27T00:00:00Z"),
            "2026-11-29T03:00:00Z 2026-11-29T04:00:00Z");
  EXPECT_EQ(next(windows({"5th Mon 03:00 +1h"}), "2026-12-01T00:00:00Z"),
            "2027-03-29T03:00:00Z 2027-03-29T04:00:00Z");
}

TEST(MaintenanceWindow, NoneOpensOnExceptedDays) {
  const auto rules = windows({"daily 22:00 +4h"}, "Europe/Berlin", {"2026-12-20..2027-01-06"});
  EXPECT_EQ(next(rules, "2026-12-20T00:30:00Z"), "2026-12-19T21:00:00Z 2026-12-20T01:00:00Z")
      << "it opened the day before";
  EXPECT_EQ(next(rules, "2026-12-20T01:00:00Z"), "2027-01-07T21:00:00Z 2027-01-08T01:00:00Z");
  EXPECT_EQ(
      next(windows({"daily 22:00 +4h"}, "UTC", {"2026-01-01..2036-01-01"}), "2026-12-20T01:00:00Z"),
      "none");
}

// Its time is the one of the clock on the wall, its length that of a stopwatch.
TEST(MaintenanceWindow, ClocksThatChangeDoNotChangeItsLength) {
  const auto rules = windows({"daily 01:30 +2h"}, "Europe/Berlin");
  EXPECT_EQ(next(rules, "2026-03-28T12:00:00Z"), "2026-03-29T00:30:00Z 2026-03-29T02:30:00Z");
  EXPECT_EQ(next(rules, "2026-10-24T12:00:00Z"), "2026-10-24T23:30:00Z 2026-10-25T01:30:00Z");
  EXPECT_EQ(next(windows({"daily 02:30 +1h"}, "Europe/Berlin"), "2026-03-28T12:00:00Z"),
            "2026-03-29T01:00:00Z 2026-03-29T02:00:00Z")
      << "its time is skipped that night";
}

TEST(MaintenanceWindow, TwentyYearsInTenZones) {
  for (const auto* name : {"UTC", "Europe/Berlin", "America/New_York", "America/St_Johns",
                           "Asia/Taipei", "Asia/Kathmandu", "Australia/Lord_Howe",
                           "Pacific/Auckland", "America/Santiago", "Africa/Casablanca"}) {
    const auto rules = windows({"daily 02:30 +2h"}, name);
    const auto& zone = rules.zone();
    int count = 0;
    for (auto now = january_2020; now < january_2040; ++count) {
      const auto opening = rules.next(now);
      ASSERT_TRUE(opening) << name;
      ASSERT_EQ(opening->end - opening->begin, 7200) << name;
      const auto civil = zone.civil(opening->begin);
      const bool skipped = zone.civil(opening->begin - 1).second + 1 < civil.second;
      ASSERT_TRUE(civil.second == 9000 || (skipped && civil.second > 9000))
          << name << " " << format_utc(opening->begin);
      now = opening->end;
    }
    EXPECT_NEAR(count, 7305, 1) << name << ": once a day";
  }
}

}  // namespace
}  // namespace cube
