// The contract of boot/boot_control.h as one typed suite, run unchanged on every adapter and on the
// fake. An adapter brings a fixture, default-constructed with slot a as the fallback and running:
//   BootControl& control();   the adapter
//   Started start();          the loader's turn: the machine restarts
//   void damage();            the loader's first record becomes unreadable
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "boot/boot_control.h"
#include "tests/support/fake_boot_control.h"

namespace cube {

// Everything that can be asked of a machine, and what it runs.
struct Situation {
  BootState state;
  Started running;

  [[nodiscard]] std::string key() const {
    const auto trial = state.trial ? std::string(to_string(state.trial->slot)) +
                                         std::to_string(state.trial->tries_left) +
                                         std::to_string(state.trial->tries_done)
                                   : "none";
    return std::string(to_string(state.fallback)) + trial + (state.offered ? "!" : "") + "/" +
           std::string(to_string(running.slot)) + (running.trial ? "t" : "");
  }
};

struct Action {
  enum class Kind { arm, bless_running, reject, restart } kind{};
  SlotId slot{};  // arm, reject
  int tries = 0;  // arm
};

// The contract's own words, as a function. nullopt: the call is illegal (Errc::bug).
inline std::optional<Situation> expected_after(const Action& action, Situation now) {
  auto& state = now.state;
  switch (action.kind) {
    case Action::Kind::arm: {
      if (action.slot == state.fallback || action.tries < 1 || action.tries > 9) return std::nullopt;
      const int done = state.trial && state.trial->slot == action.slot ? state.trial->tries_done : 0;
      state = {state.fallback, Trial{action.slot, action.tries, done}, true};
      return now;
    }
    case Action::Kind::bless_running:
      state = {now.running.slot, std::nullopt, false};
      return now;
    case Action::Kind::reject:
      if (action.slot == state.fallback) return std::nullopt;
      state = {state.fallback, std::nullopt, false};
      return now;
    case Action::Kind::restart:
      now.running = {state.fallback, false};
      if (!state.offered) return now;
      now.running = {state.trial->slot, true};
      state.trial = Trial{state.trial->slot, state.trial->tries_left - 1,
                          std::min(9, state.trial->tries_done + 1)};
      state.offered = false;
      return now;
  }
  return std::nullopt;
}

template <typename Fixture>
class BootControlContract : public ::testing::Test {
 protected:
  static constexpr int most_done = 3;  // deeper situations differ in the count only

  static std::vector<Action> actions() {
    std::vector<Action> all = {{Action::Kind::bless_running}, {Action::Kind::restart}};
    for (const auto slot : {SlotId::a, SlotId::b}) {
      all.push_back({Action::Kind::reject, slot});
      for (const int tries : {0, 1, 2, 10}) all.push_back({Action::Kind::arm, slot, tries});
    }
    return all;
  }

  // Does it for real, and holds it to expected_after.
  static void act(Fixture& fixture, Situation& now, const Action& action) {
    if (action.kind == Action::Kind::restart) {
      now = expected_after(action, now).value();
      ASSERT_EQ(fixture.start(), now.running) << now.key();
    } else {
      auto& control = fixture.control();
      const auto status = action.kind == Action::Kind::arm ? control.arm(action.slot, action.tries)
                          : action.kind == Action::Kind::reject ? control.reject(action.slot)
                                                                : control.bless(now.running.slot);
      const auto expected = expected_after(action, now);
      ASSERT_EQ(status.has_value(), expected.has_value())
          << now.key() << ": " << (status ? "accepted" : status.error().what);
      if (!expected) {
        ASSERT_EQ(status.error().code, Errc::bug);
      }
      now = expected.value_or(now);
    }
    const auto state = fixture.control().state();
    ASSERT_TRUE(state) << state.error().what;
    ASSERT_EQ(*state, now.state) << now.key();
  }
};

TYPED_TEST_SUITE_P(BootControlContract);

// From every reachable situation every call, and the same call again.
TYPED_TEST_P(BootControlContract, EveryCallFromEverySituationTwice) {
  struct Way {
    std::vector<Action> actions;
  };
  std::deque<Way> open = {{}};
  std::set<std::string> seen;
  int calls = 0;
  while (!open.empty()) {
    const Way way = std::move(open.front());
    open.pop_front();
    for (const auto& action : this->actions()) {
      TypeParam fixture;
      Situation now{{SlotId::a, std::nullopt, false}, {SlotId::a, false}};
      for (const auto& step : way.actions) ASSERT_NO_FATAL_FAILURE(this->act(fixture, now, step));
      ASSERT_NO_FATAL_FAILURE(this->act(fixture, now, action));
      ++calls;
      const bool shallow = !now.state.trial || now.state.trial->tries_done <= this->most_done;
      const auto reached = now.key();
      ASSERT_NO_FATAL_FAILURE(this->act(fixture, now, action)) << "the call repeated";
      if (!shallow || !seen.insert(reached).second) continue;
      open.push_back(way);
      open.back().actions.push_back(action);
    }
  }
  EXPECT_GE(seen.size(), 60U) << "the search must reach trials of both slots";
  EXPECT_GE(calls, 600);
}

TYPED_TEST_P(BootControlContract, AnOfferIsGoodForOneStart) {
  TypeParam fixture;
  ASSERT_TRUE(fixture.control().arm(SlotId::b, 3));
  EXPECT_EQ(fixture.start(), (Started{SlotId::b, true}));
  const auto after_spent = fixture.control().state().value();
  EXPECT_EQ(after_spent.trial, (Trial{SlotId::b, 2, 1})) << "a spent trial stays visible";
  EXPECT_EQ(fixture.start(), (Started{SlotId::a, false})) << "the next boot is the fallback";
  EXPECT_EQ(fixture.control().state().value(), after_spent) << "a fallback boot changes nothing";
}

TYPED_TEST_P(BootControlContract, TriesDoneStayAtNine) {
  TypeParam fixture;
  for (int round = 1; round <= 12; ++round) {
    ASSERT_TRUE(fixture.control().arm(SlotId::b, 9));
    ASSERT_EQ(fixture.start(), (Started{SlotId::b, true}));
    ASSERT_EQ(fixture.control().state().value().trial, (Trial{SlotId::b, 8, std::min(round, 9)}));
  }
}

TYPED_TEST_P(BootControlContract, TriesDoneAreKeptForTheSameSlotAndForgottenAfterReject) {
  TypeParam fixture;
  ASSERT_TRUE(fixture.control().arm(SlotId::b, 3));
  fixture.start();
  ASSERT_TRUE(fixture.control().arm(SlotId::b, 2));
  EXPECT_EQ(fixture.control().state().value().trial, (Trial{SlotId::b, 2, 1}));
  ASSERT_TRUE(fixture.control().reject(SlotId::b));
  ASSERT_TRUE(fixture.control().arm(SlotId::b, 2));
  EXPECT_EQ(fixture.control().state().value().trial, (Trial{SlotId::b, 2, 0}));
}

TYPED_TEST_P(BootControlContract, DamageIsAnErrorOfEveryCallExceptBless) {
  TypeParam fixture;
  ASSERT_TRUE(fixture.control().arm(SlotId::b, 3));
  fixture.damage();
  const auto state = fixture.control().state();
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, Errc::cannot_arm);
  EXPECT_FALSE(state.error().what.empty());
  EXPECT_EQ(fixture.control().arm(SlotId::b, 1).error().code, Errc::cannot_arm);
  EXPECT_EQ(fixture.control().reject(SlotId::b).error().code, Errc::cannot_arm);
  ASSERT_TRUE(fixture.control().bless(SlotId::a));
  EXPECT_EQ(fixture.control().state().value(), (BootState{SlotId::a, std::nullopt, false}));
  ASSERT_TRUE(fixture.control().bless(SlotId::a)) << "repeatable";
  ASSERT_TRUE(fixture.control().arm(SlotId::b, 1)) << "the same boot goes on";
  EXPECT_EQ(fixture.start(), (Started{SlotId::b, true}));
}

TYPED_TEST_P(BootControlContract, DamagedRecordsStillStartTheFallback) {
  TypeParam fixture;
  ASSERT_TRUE(fixture.control().arm(SlotId::b, 3));
  ASSERT_EQ(fixture.start(), (Started{SlotId::b, true}));
  ASSERT_TRUE(fixture.control().bless(SlotId::b));
  ASSERT_TRUE(fixture.control().arm(SlotId::a, 3));
  fixture.damage();
  EXPECT_EQ(fixture.start(), (Started{SlotId::b, false})) << "never the trial, never an old slot";
  ASSERT_TRUE(fixture.control().bless(SlotId::b));
  EXPECT_EQ(fixture.start(), (Started{SlotId::b, false}));
  ASSERT_TRUE(fixture.control().arm(SlotId::a, 1)) << "a restart after the repair and all is well";
}

REGISTER_TYPED_TEST_SUITE_P(BootControlContract, EveryCallFromEverySituationTwice,
                            AnOfferIsGoodForOneStart, TriesDoneStayAtNine,
                            TriesDoneAreKeptForTheSameSlotAndForgottenAfterReject,
                            DamageIsAnErrorOfEveryCallExceptBless,
                            DamagedRecordsStillStartTheFallback);

}  // namespace cube
