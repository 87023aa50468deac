#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "model/fleet/bucket.h"
#include "model/fleet/duration.h"

namespace cube::fleet {
namespace {

constexpr UnixSeconds start = 1'800'000'000;

Ramp ramp(Interpolate interpolate) {
  return {start, {{3600, 10}, {90000, 100'000}, {90007, 100'000}, {259'200, 700'001}}, interpolate};
}

TEST(RolloutBucket, TheVectorsOfTheDocument) {
  std::ifstream file(CUBE_SOURCE_DIR "/docs/formats/rollout-plan.md");
  const std::regex row(R"(\| `([^`]*)` \| `([^`]*)` \| ([0-9]+) \|)");
  int rows = 0;
  for (std::string line; std::getline(file, line);) {
    std::smatch parts;
    if (!std::regex_match(line, parts, row)) continue;
    ++rows;
    EXPECT_EQ(bucket_of(parts[1].str(), parts[2].str()), std::stoul(parts[3].str())) << line;
  }
  EXPECT_EQ(rows, 7);
}

TEST(RolloutBucket, UnitsAreSpreadEvenlyAndAnewByEachSalt) {
  constexpr int units = 100'000;
  int first_tenth = 0, both = 0;
  for (int i = 0; i < units; ++i) {
    const auto unit = "cluster-" + std::to_string(i);
    const auto bucket = bucket_of("a", unit);
    ASSERT_LT(bucket, all_units);
    if (bucket >= all_units / 10) continue;
    ++first_tenth;
    both += bucket_of("b", unit) < all_units / 10;
  }
  // Within five standard deviations of a tenth, and of a hundredth.
  EXPECT_NEAR(first_tenth, units / 10, 475);
  EXPECT_NEAR(both, units / 100, 158);
}

TEST(RolloutBucket, StepsCountUntilTheNext) {
  const auto steps = ramp(Interpolate::step);
  EXPECT_EQ(ppm_at(steps, start - 1), 0u);
  EXPECT_EQ(ppm_at(steps, start + 3599), 0u);
  EXPECT_EQ(ppm_at(steps, start + 3600), 10u);
  EXPECT_EQ(ppm_at(steps, start + 89'999), 10u);
  EXPECT_EQ(ppm_at(steps, start + 90'000), 100'000u);
  EXPECT_EQ(ppm_at(steps, start + 10'000'000), 700'001u);
}

TEST(RolloutBucket, InBetweenLinesGrowEvenly) {
  const Ramp lines{start, {{0, 0}, {100, 1000}, {200, 1000}, {300, 2000}}, Interpolate::linear};
  EXPECT_EQ(ppm_at(lines, start - 1), 0u);
  EXPECT_EQ(ppm_at(lines, start + 50), 500u);
  EXPECT_EQ(ppm_at(lines, start + 150), 1000u);
  EXPECT_EQ(ppm_at(lines, start + 299), 1990u);
  EXPECT_EQ(ppm_at(lines, start + 301), 2000u);
}

// Of every bucket: it may begin at the second that reaches() says and ever after, and never before.
TEST(RolloutBucket, TheInverseIsExactAndTheRampNeverFalls) {
  for (const auto how : {Interpolate::step, Interpolate::linear}) {
    const auto any = ramp(how);
    std::uint32_t before = 0;
    for (Seconds t = -10; t < 260'000; ++t) {
      const auto ppm = ppm_at(any, start + t);
      ASSERT_GE(ppm, before) << t;
      before = ppm;
    }
    for (std::uint32_t bucket = 0; bucket < all_units; bucket += 7) {
      const auto when = reaches(any, bucket);
      ASSERT_EQ(when.has_value(), bucket < 700'001u) << bucket;
      if (!when) continue;
      ASSERT_LT(bucket, ppm_at(any, *when)) << bucket;
      ASSERT_GE(bucket, ppm_at(any, *when - 1)) << bucket;
    }
  }
}

TEST(RolloutDuration, Texts) {
  EXPECT_EQ(parse_duration("PT0S").value(), 0);
  EXPECT_EQ(parse_duration("P3D").value(), 259'200);
  EXPECT_EQ(parse_duration("PT90M").value(), 5400);
  EXPECT_EQ(parse_duration("P1DT12H").value(), 129'600);
  EXPECT_EQ(parse_duration("P1DT2H3M4S").value(), 93'784);
  EXPECT_EQ(parse_duration("P3660D").value(), longest_duration);
  for (const auto* text :
       {"",       "P",         "PT",           "P1",           "1D",      "P1W",  "P1M",
        "P1Y",    "PT1D",      "P1H",          "P1S",          "PT-1S",   "P-1D", "PT1S1M",
        "PT1M1M", "P1.5D",     "P1DT",         "P1DTT1H",      "PT1HT1M", "p1d",  "P 1D",
        "P1D ",   "P3660DT1S", "P9999999999D", "PT999999999S", "P1D\n"})
    EXPECT_FALSE(parse_duration(text)) << text;
  for (const Seconds seconds : {0, 1, 60, 90, 5400, 86400, 90'000, 259'200})
    EXPECT_EQ(parse_duration(format_duration(seconds)).value(), seconds);
  EXPECT_EQ(format_duration(5400), "PT90M");
  EXPECT_EQ(format_duration(259'200), "P3D");
}

}  // namespace
}  // namespace cube::fleet
