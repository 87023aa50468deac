// What people and programs are told while a long step works, by a clock of the test.
#include <gtest/gtest.h>

#include <chrono>

#include "agent/cli/narrator.h"

namespace cube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t mib = 1024 * 1024;

class NarratorTest : public testing::Test {
 protected:
  Narrator narrator(bool json, bool terminal) {
    return Narrator(Outlet{json, terminal, [this](const std::string& text) { said_ += text; },
                           [this] { return now_; }});
  }
  void wait(milliseconds time) { now_ += time; }
  // The lines so far that have `word`.
  [[nodiscard]] std::vector<Json> events(const std::string& word) const {
    std::vector<Json> found;
    for (std::size_t at = 0; at < said_.size();) {
      const auto end = said_.find('\n', at);
      const std::string line = said_.substr(at, end - at);
      if (line.find(word) != std::string::npos) found.push_back(Json::parse(line).value());
      at = end + 1;
    }
    return found;
  }
  static std::uint64_t number(const Json& json, const std::string& member) {
    return json.unsigned_at(member).value();
  }
  static bool is_null(const Json& json, const std::string& member) {
    return json.member(member).value().line() == "null";
  }

  Pace::Time now_{};
  std::string said_;
};

TEST_F(NarratorTest, ProgramsGetRateAndTimeLeftAFewTimesASecond) {
  auto speaker = narrator(true, false);
  const auto progress = speaker.progress();
  for (int i = 0; i <= 400; ++i) {  // 4 s, 10 MiB/s, told every 10 ms
    progress({"fetch", static_cast<std::uint64_t>(i) * mib / 10, 100 * mib, "bytes"});
    wait(milliseconds(10));
  }
  const auto lines = events("progress");
  EXPECT_GE(lines.size(), 15U);
  EXPECT_LE(lines.size(), 18U) << "four a second";
  EXPECT_TRUE(is_null(lines.front(), "rate")) << "nobody knows yet";
  const Json& late = lines.back();
  EXPECT_NEAR(static_cast<double>(number(late, "rate")), 10.0 * mib, mib);
  EXPECT_NEAR(static_cast<double>(number(late, "eta")), 6, 1);
  EXPECT_EQ(number(late, "total"), 100 * mib);
}

TEST_F(NarratorTest, TheEndOfAStageIsToldOnceAndAtOnce) {
  auto speaker = narrator(true, false);
  const auto progress = speaker.progress();
  progress({"fetch", 0, 10, "bytes"});
  wait(milliseconds(1));
  for (int i = 0; i < 5; ++i) progress({"fetch", 10, 10, "bytes"});
  EXPECT_EQ(events("\"done\": 10").size(), 1U) << said_;
}

TEST_F(NarratorTest, WhatAnEarlierRunLeftThereIsNoSpeed) {
  auto speaker = narrator(true, false);
  const auto progress = speaker.progress();
  progress({"fetch", 90 * mib, 100 * mib, "bytes"});
  wait(seconds(2));
  progress({"fetch", 92 * mib, 100 * mib, "bytes"});
  EXPECT_EQ(number(events("progress").back(), "rate"), mib);
  EXPECT_EQ(number(events("progress").back(), "eta"), 8U);
}

TEST_F(NarratorTest, ALogGetsOneLineForAStage) {
  auto speaker = narrator(false, false);
  const auto progress = speaker.progress();
  for (std::uint64_t i = 0; i <= 65; ++i) {
    progress({"fetch", i * mib, 65 * mib, "bytes"});
    wait(seconds(1));
  }
  progress({"verify", 5, 0, "objects"});
  wait(seconds(7));
  progress({"verify", 17, 0, "objects"});
  speaker.say("done");
  EXPECT_EQ(said_, "  fetch: 65.0 MiB in 1 min 05 s\n  verify: 17 objects in 7 s\ndone\n");
}

TEST_F(NarratorTest, ATerminalGetsABarWithTimeLeft) {
  auto speaker = narrator(false, true);
  const auto progress = speaker.progress();
  progress({"fill", 0, 30 * mib, "bytes"});
  wait(seconds(10));
  progress({"fill", 10 * mib, 30 * mib, "bytes"});
  EXPECT_EQ(
      said_.substr(said_.rfind('\r')),
      "\r  fill [##########....................]  33 %  10.0 MiB of 30.0 MiB  1.0 MiB/s  20 s "
      "left\033[K");
  wait(seconds(20));
  progress({"fill", 30 * mib, 30 * mib, "bytes"});
  EXPECT_NE(said_.find("in 30 s\033[K\n"), std::string::npos) << said_;
}

TEST_F(NarratorTest, AStandstillHasNoTimeLeft) {
  auto speaker = narrator(true, false);
  const auto progress = speaker.progress();
  progress({"fetch", 5, 10, "bytes"});
  wait(seconds(60));
  progress({"fetch", 5, 10, "bytes"});
  EXPECT_TRUE(is_null(events("progress").back(), "eta"));
}

TEST_F(NarratorTest, ASinkKnowsWhenItIsToStop) {
  auto speaker = narrator(false, false);
  std::atomic<bool> stop{false};
  const ProgressSink sink = speaker.progress(stop);
  EXPECT_TRUE(sink.go_on());
  stop = true;
  ASSERT_FALSE(sink.go_on());
  EXPECT_EQ(sink.go_on().error().code, Errc::cancelled);
  EXPECT_FALSE(speaker.progress().cancelled()) << "others go on";
}

TEST(DurationText, HasTwoUnitsAtMost) {
  EXPECT_EQ(duration_text(seconds(0)), "0 s");
  EXPECT_EQ(duration_text(seconds(59)), "59 s");
  EXPECT_EQ(duration_text(seconds(60)), "1 min 00 s");
  EXPECT_EQ(duration_text(seconds(3599)), "59 min 59 s");
  EXPECT_EQ(duration_text(seconds(7620)), "2 h 07 min");
}

}  // namespace
}  // namespace cube
