// The rest of the contract of boot/boot_control.h: from every situation that can be reached, every
// call, and the same call again, compared with the contract written down as a function. The fixture
// is that of boot_control_contract.h, with slot a as the fallback and running.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

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
class BootControlSituations : public ::testing::Test {
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

TYPED_TEST_SUITE_P(BootControlSituations);

// From every reachable situation every call, and the same call again.
TYPED_TEST_P(BootControlSituations, EveryCallFromEverySituationTwice) {
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

REGISTER_TYPED_TEST_SUITE_P(BootControlSituations, EveryCallFromEverySituationTwice);

}  // namespace cube
