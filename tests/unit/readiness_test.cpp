#include "agent/readiness/readiness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace cube {
namespace {

constexpr UnixSeconds today = 1'764'000'000;

Attempt played(Outcome outcome) {
  Attempt attempt;
  attempt.number = 7;
  attempt.ended = today - 500;
  attempt.outcome = outcome;
  attempt.rehearsal = Rehearsal::panic;
  attempt.away = 83;
  return attempt;
}

// A machine on which nothing is amiss.
ReadinessFacts well() {
  ReadinessFacts facts;
  facts.records = BootState{SlotId::a, std::nullopt, false};
  facts.other_release = "CUBE_1.0.0_20260101-0000_abcd1234";
  facts.source = "https://updates.example/";
  facts.source_asked = ok();
  facts.signings = {{"root", 1, today + 300 * 86400, {}, 1},
                    {"timestamp", 9, today + 86400, {}, 1}};
  facts.now = today;
  facts.built = today - 1000;
  facts.state_free = 1 << 30;
  facts.kernel_room = ok();
  facts.rehearsal = played(Outcome::rehearsed);
  return facts;
}

ReadinessFinding finding(const ReadinessFacts& facts, const std::string& name) {
  const auto all = judge_readiness(facts);
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const ReadinessFinding& one) { return one.name == name; });
  EXPECT_NE(found, all.end()) << name;
  return found == all.end() ? ReadinessFinding{} : *found;
}

TEST(ReadinessTest, AWellMachineIsReadyInAllAndHasNothingToDo) {
  const auto all = judge_readiness(well());
  EXPECT_EQ(all.size(), 10U);
  for (const auto& one : all) {
    EXPECT_EQ(one.ready, Ready::yes) << one.name << ": " << one.how;
    EXPECT_TRUE(one.remedy.empty()) << one.name;
    EXPECT_FALSE(one.how.empty() || one.what.empty()) << one.name;
  }
}

TEST(ReadinessTest, EachTroubleIsToldAndHasARemedy) {
  using Spoil = std::function<void(ReadinessFacts&)>;
  const std::vector<std::tuple<std::string, Ready, Spoil>> troubles{
      {"records", Ready::no,
       [](auto& facts) { facts.records.reset(), facts.records_trouble = "env: damaged"; }},
      {"fallback", Ready::warning, [](auto& facts) { facts.records->fallback = SlotId::b; }},
      {"fallback", Ready::warning,
       [](auto& facts) {
         facts.records = BootState{SlotId::b, Trial{SlotId::a, 2, 1}, false};
       }},
      {"way-back", Ready::warning, [](auto& facts) { facts.other_release.reset(); }},
      {"rehearsal", Ready::unknown, [](auto& facts) { facts.rehearsal.reset(); }},
      {"rehearsal", Ready::warning,
       [](auto& facts) { facts.rehearsal = played(Outcome::abandoned); }},
      {"way-back", Ready::warning, [](auto& facts) { facts.other_lacks = {"boot/vmlinuz"}; }},
      {"way-back", Ready::unknown, [](auto& facts) { facts.other_trouble = "in work"; }},
      {"way-back", Ready::warning,
       [](auto& facts) {
         facts.other_read_back = Error{Errc::corrupt, "usr/bin/sh"};
       }},
      {"trusted-root", Ready::no, [](auto& facts) { facts.root_trouble = "missing"; }},
      {"source", Ready::warning, [](auto& facts) { facts.source.clear(); }},
      {"source", Ready::warning,
       [](auto& facts) {
         facts.source_asked = Error{Errc::unreachable, "refused"};
       }},
      {"source", Ready::no,
       [](auto& facts) {
         facts.source_asked = Error{Errc::untrusted, "bad signature"};
       }},
      {"metadata", Ready::no, [](auto& facts) { facts.signings[1].expires = today; }},
      {"metadata", Ready::warning,
       [](auto& facts) {
         facts.signings = {{"targets", 1, today + 86400, {}, 1}};
       }},
      {"clock", Ready::warning, [](auto& facts) { facts.built = today + 1; }},
      {"state", Ready::no, [](auto& facts) { facts.state_trouble = "read-only"; }},
      {"state", Ready::no, [](auto& facts) { facts.state_free = 1000; }},
      {"kernel-room", Ready::no,
       [](auto& facts) {
         facts.kernel_room = Error{Errc::no_space, "boot/efi: full"};
       }},
  };
  for (const auto& [name, ready, spoil] : troubles) {
    auto facts = well();
    spoil(facts);
    const auto found = finding(facts, name);
    EXPECT_EQ(found.ready, ready) << name << ": " << found.how;
    EXPECT_FALSE(found.remedy.empty()) << name << ": " << found.how;
    for (const auto& other : judge_readiness(facts))
      EXPECT_TRUE(other.name == name || other.ready == Ready::yes ||
                  (name == "records" && other.name == "fallback"))
          << name << " also changes " << other.name;
  }
}

TEST(ReadinessTest, WhatWasNotAskedIsUnknownAndWhatDoesNotApplyIsLeftOut) {
  auto facts = well();
  facts.source_asked.reset();
  facts.signings.clear();
  facts.kernel_room.reset();
  EXPECT_EQ(finding(facts, "source").ready, Ready::unknown);
  EXPECT_EQ(finding(facts, "metadata").ready, Ready::unknown);
  EXPECT_EQ(judge_readiness(facts).size(), 9U);
}

TEST(ReadinessTest, AWayBackThatWasReadIsCalledWhole) {
  auto facts = well();
  facts.other_read_back = ok();
  EXPECT_NE(finding(facts, "way-back").how.find("read back now"), std::string::npos);
}

}  // namespace
}  // namespace cube
