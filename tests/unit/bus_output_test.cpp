// What runs of cube-update say, and what is told of it.
#include <gtest/gtest.h>

#include "agent/bus/facts.h"
#include "agent/bus/job_output.h"

namespace cube {
namespace {

using Lines = std::vector<std::string>;

TEST(BusOutput, IsCutIntoLinesWhereverItArrives) {
  const std::string text = "one\n\ntwo\nthree";
  for (const std::size_t piece : {1, 2, 5, 100}) {
    LineCutter cutter;
    Lines lines;
    for (std::size_t at = 0; at < text.size(); at += piece)
      for (auto& line : cutter.add(std::string_view(text).substr(at, piece)))
        lines.push_back(std::move(line));
    EXPECT_EQ(lines, (Lines{"one", "", "two"})) << piece;
  }
}

TEST(BusOutput, ALineThatIsTooLongIsLeftOut) {
  LineCutter cutter;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(cutter.add(std::string(10'000, 'x')).empty());
  EXPECT_EQ(cutter.add("y\nnext\n"), (Lines{"next"}));
  EXPECT_EQ(cutter.add(std::string(LineCutter::max_line, 'x') + "\n").size(), 1U);
  EXPECT_EQ(cutter.add(std::string(LineCutter::max_line + 1, 'x') + "\n").size(), 0U);
}

TEST(BusOutput, EventsAreTold) {
  const auto step = parse_event(R"({"event":"step","step":"fill","phase":"filling"})");
  ASSERT_TRUE(step);
  EXPECT_EQ(step->kind, JobEvent::Kind::step);
  EXPECT_EQ(step->phase, "filling");
  const auto progress = parse_event(
      R"({"event":"progress","stage":"fetch","done":5,"total":10,"unit":"bytes","rate":null,"eta":null})");
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->progress.stage, "fetch");
  EXPECT_EQ(percent(progress->progress), 50);
  const auto result = parse_event(R"({"event":"result","phase":"armed","exit_code":20})");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->kind, JobEvent::Kind::result);
  EXPECT_EQ(result->error, "");
  const auto error =
      parse_event("{\"event\":\"error\",\"error\":\"a\\u001bb\\nc\",\"exit_code\":9}");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->error, "a?b?c") << "nothing for a terminal";
  for (const char* line : {"", "text", "[]", "{\"event\":\"news\"}", "{\"event\":", "null"})
    EXPECT_FALSE(parse_event(line)) << line;
}

TEST(BusOutput, TextsAreCutBetweenCharacters) {
  EXPECT_EQ(one_line("abcdef", 3), "abc");
  EXPECT_EQ(one_line("ab\xc3\xa4"
                     "d",
                     3),
            "ab")
      << "not in the middle of one";
  EXPECT_EQ(one_line("ab\xc3\xa4"
                     "d",
                     4),
            "ab")
      << "rather one less than half of one";
  EXPECT_EQ(one_line("a\x7f\tb"), "a??b");
}

TEST(BusFacts, ComeFromTheStatus) {
  const auto status = Json::parse(R"({"phase":"armed","update":{"release":"R2"},"waits":null,
    "last_outcome":{"attempt":3,"release":"R1","outcome":"rolled-back","cause":"panic","detail":"VFS","ended":"2026"},
    "booted":"a","release":"R0","fallback":"a","boot_records":"ok",
    "slots":{"a":{"sealed":true,"release":"R0","commit":"c","epoch":2},"b":{"sealed":null}},
    "trial":{"slot":"b","tries_left":3,"tries_done":0,"offered":true}})");
  ASSERT_TRUE(status);
  const Facts facts = facts_of(*status);
  EXPECT_EQ(facts.problem, "");
  EXPECT_EQ(facts.phase, "armed");
  EXPECT_EQ(facts.update, "R2");
  EXPECT_EQ(facts.a, (Facts::Slot{"yes", "R0", 2}));
  EXPECT_EQ(facts.b.sealed, "unknown");
  ASSERT_TRUE(facts.trial);
  EXPECT_EQ(facts.trial->tries_left, 3U);
  EXPECT_TRUE(facts.trial->offered);
  ASSERT_TRUE(facts.last_outcome);
  EXPECT_EQ(facts.last_outcome->cause, "panic");
}

TEST(BusFacts, OfWhatMakesNoSenseAreNone) {
  const Facts facts = facts_of(*Json::parse(R"({"phase":7,"slots":[],"trial":"x","update":1})"));
  EXPECT_EQ(facts.phase, "");
  EXPECT_FALSE(facts.trial);
  EXPECT_FALSE(facts.last_outcome);
  EXPECT_NE(facts_of(Json("x")).problem, "");
}

TEST(BusFacts, PercentAreNeverMoreThanAll) {
  EXPECT_EQ(percent({"x", 0, 0, "bytes"}), 0);
  EXPECT_EQ(percent({"x", 5, 0, "bytes"}), 0);
  EXPECT_EQ(percent({"x", 99, 100, "bytes"}), 99);
  EXPECT_EQ(percent({"x", ~0ULL, 1, "bytes"}), 100);
  EXPECT_EQ(percent({"x", ~0ULL - 1, ~0ULL, "bytes"}), 100);
}

}  // namespace
}  // namespace cube
