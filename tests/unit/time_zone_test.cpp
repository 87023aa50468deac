#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "base/time_zone.h"

namespace cube {
namespace {

constexpr UnixSeconds january_2020 = 1'577'836'800, january_2040 = 2'208'988'800;

// North and south, half hours, a half hour of summer time, none at all, and one with two rules a
// year around Ramadan.
const char* const zones[] = {"UTC",
                             "Europe/Berlin",
                             "America/New_York",
                             "America/St_Johns",
                             "Asia/Taipei",
                             "Asia/Kathmandu",
                             "Australia/Lord_Howe",
                             "Pacific/Auckland",
                             "America/Santiago",
                             "Africa/Casablanca"};

// The C library reads the same tzdata with code of its own.
class LibraryZone {
 public:
  explicit LibraryZone(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~LibraryZone() {
    ::unsetenv("TZ");
    ::tzset();
  }
  static CivilTime civil(UnixSeconds instant) {
    const std::time_t time = instant;
    std::tm tm{};
    ::localtime_r(&time, &tm);
    const auto local = instant + tm.tm_gmtoff;
    return {local / 86400, local % 86400};
  }
};

TEST(TimeZone, TwentyYearsOfTenZonesAreTheCLibrarys) {
  for (const auto* name : zones) {
    const auto zone = TimeZone::find(name).value();
    const LibraryZone library(name);
    for (UnixSeconds now = january_2020; now < january_2040; now += 5400) {
      const auto civil = zone.civil(now);
      ASSERT_EQ(civil, LibraryZone::civil(now)) << name << " " << format_utc(now);
      // The same instant, or the hour that came twice, the first time.
      const auto back = zone.instant(civil);
      ASSERT_TRUE(back == now || (back < now && now - back <= 7200 && zone.civil(back) == civil))
          << name << " " << format_utc(now);
    }
  }
}

TEST(TimeZone, SkippedAndRepeatedTimes) {
  const auto berlin = TimeZone::find("Europe/Berlin").value();
  const auto spring = parse_day("2026-03-29").value(), autumn = parse_day("2026-10-25").value();
  // 02:30 does not exist: clocks go from 02:00 to 03:00 at 01:00 UTC.
  EXPECT_EQ(format_utc(berlin.instant({spring, 9000})), "2026-03-29T01:00:00Z");
  EXPECT_EQ(format_utc(berlin.instant({spring, 10800})), "2026-03-29T01:00:00Z");
  EXPECT_EQ(format_utc(berlin.instant({autumn, 9000})), "2026-10-25T00:30:00Z") << "the first";
  EXPECT_EQ(berlin.format(berlin.instant({autumn, 9000})), "2026-10-25 02:30 CEST");
  EXPECT_EQ(berlin.civil(-1).day, 0) << "an hour ahead of UTC";
}

TEST(TimeZone, NamesThatAreNone) {
  for (const std::string name : {"", "Europe/Atlantis", "../../etc/passwd", "/etc/passwd"}) {
    const auto zone = TimeZone::find(name);
    ASSERT_FALSE(zone) << name;
    EXPECT_EQ(zone.error().code, Errc::invalid) << name;
  }
  EXPECT_FALSE(TimeZone::find(std::string(1000, 'x')));
}

TEST(TimeZone, DaysAndTimesAsTexts) {
  EXPECT_EQ(parse_day("1970-01-02").value(), 1);
  EXPECT_EQ(parse_day("2028-02-29").value() + 1, parse_day("2028-03-01").value());
  for (const auto* text : {"2027-02-29", "1969-12-31", "2026-1-01", "2026-13-01", "26-01-01", ""})
    EXPECT_FALSE(parse_day(text)) << text;
  EXPECT_EQ(parse_time_of_day("21:55").value(), 78900);
  for (const auto* text : {"24:00", "7:00", "12:60", "12-30", "12:3x", ""})
    EXPECT_FALSE(parse_time_of_day(text)) << text;
}

}  // namespace
}  // namespace cube
