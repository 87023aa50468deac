// The contract of boot/boot_control.h as one typed suite: it runs unchanged on the fake and on every
// real adapter. A fixture offers control(), start() (the loader's turn, then a fresh adapter as after
// a boot), and damage() (the records are lost).
#pragma once

#include <gtest/gtest.h>

#include "tests/support/fake_boot_control.h"

namespace cube {

template <typename Fixture>
class BootControlContract : public testing::Test {
 protected:
  BootControl& control() { return fixture_.control(); }
  BootState state() { return control().state().value(); }
  Fixture fixture_;
};

TYPED_TEST_SUITE_P(BootControlContract);

TYPED_TEST_P(BootControlContract, WithoutAnOfferTheFallbackStarts) {
  EXPECT_EQ(this->state(), (BootState{SlotId::a, std::nullopt, false}));
  for (int boot = 0; boot < 3; ++boot)
    EXPECT_EQ(this->fixture_.start(), (Started{SlotId::a, false}));
  EXPECT_EQ(this->state(), (BootState{SlotId::a, std::nullopt, false}));
}

TYPED_TEST_P(BootControlContract, AnOfferIsSpentAndCountedBeforeTheTrialStarts) {
  ASSERT_TRUE(this->control().arm(SlotId::b, 3));
  EXPECT_EQ(this->state(), (BootState{SlotId::a, Trial{SlotId::b, 3, 0}, true}));
  EXPECT_EQ(this->fixture_.start(), (Started{SlotId::b, true}));
  EXPECT_EQ(this->state(), (BootState{SlotId::a, Trial{SlotId::b, 2, 1}, false}));
  EXPECT_EQ(this->fixture_.start(), (Started{SlotId::a, false})) << "an arming is good for one start";
  EXPECT_EQ(this->state(), (BootState{SlotId::a, Trial{SlotId::b, 2, 1}, false}))
      << "a spent trial stays visible";
}

TYPED_TEST_P(BootControlContract, ArmingAgainKeepsTheCount) {
  for (int done = 0; done < 3; ++done) {
    ASSERT_TRUE(this->control().arm(SlotId::b, 3 - done));
    ASSERT_TRUE(this->control().arm(SlotId::b, 3 - done)) << "repeatable";
    EXPECT_EQ(this->state(), (BootState{SlotId::a, Trial{SlotId::b, 3 - done, done}, true}));
    EXPECT_EQ(this->fixture_.start(), (Started{SlotId::b, true}));
    EXPECT_EQ(this->fixture_.start(), (Started{SlotId::a, false}));
  }
}

TYPED_TEST_P(BootControlContract, OnlyBlessChangesTheFallback) {
  ASSERT_TRUE(this->control().arm(SlotId::b, 1));
  ASSERT_EQ(this->fixture_.start(), (Started{SlotId::b, true}));
  EXPECT_EQ(this->state().fallback, SlotId::a);
  ASSERT_TRUE(this->control().bless(SlotId::b));
  ASSERT_TRUE(this->control().bless(SlotId::b)) << "repeatable";
  EXPECT_EQ(this->state(), (BootState{SlotId::b, std::nullopt, false}));
  EXPECT_EQ(this->fixture_.start(), (Started{SlotId::b, false}));
}

TYPED_TEST_P(BootControlContract, TheOtherDirectionWorksToo) {
  ASSERT_TRUE(this->control().arm(SlotId::b, 1));
  ASSERT_TRUE(this->fixture_.start().trial);
  ASSERT_TRUE(this->control().bless(SlotId::b));
  ASSERT_TRUE(this->control().arm(SlotId::a, 2));
  EXPECT_EQ(this->state(), (BootState{SlotId::b, Trial{SlotId::a, 2, 0}, true}));
  EXPECT_EQ(this->fixture_.start(), (Started{SlotId::a, true}));
  EXPECT_EQ(this->fixture_.start(), (Started{SlotId::b, false}));
}

TYPED_TEST_P(BootControlContract, RejectEndsATrialOfferedOrSpent) {
  ASSERT_TRUE(this->control().arm(SlotId::b, 3));
  ASSERT_TRUE(this->control().reject(SlotId::b));
  ASSERT_TRUE(this->control().reject(SlotId::b)) << "repeatable";
  EXPECT_EQ(this->state(), (BootState{SlotId::a, std::nullopt, false}));
  EXPECT_EQ(this->fixture_.start(), (Started{SlotId::a, false}));
  ASSERT_TRUE(this->control().arm(SlotId::b, 3));
  ASSERT_TRUE(this->fixture_.start().trial);
  ASSERT_TRUE(this->control().reject(SlotId::b));
  EXPECT_EQ(this->state(), (BootState{SlotId::a, std::nullopt, false}));
}

TYPED_TEST_P(BootControlContract, IllegalCallsChangeNothing) {
  EXPECT_EQ(this->control().arm(SlotId::a, 3).error().code, Errc::bug);
  EXPECT_EQ(this->control().arm(SlotId::b, 0).error().code, Errc::bug);
  EXPECT_EQ(this->control().arm(SlotId::b, 10).error().code, Errc::bug);
  EXPECT_EQ(this->control().reject(SlotId::a).error().code, Errc::bug);
  EXPECT_EQ(this->state(), (BootState{SlotId::a, std::nullopt, false}));
}

TYPED_TEST_P(BootControlContract, DamagedRecordsAreAnErrorOfAllButBless) {
  ASSERT_TRUE(this->control().arm(SlotId::b, 3));
  this->fixture_.damage();
  EXPECT_EQ(this->fixture_.start(), (Started{SlotId::a, false})) << "no trial from damaged records";
  EXPECT_EQ(this->control().state().error().code, Errc::cannot_arm);
  EXPECT_EQ(this->control().arm(SlotId::b, 3).error().code, Errc::cannot_arm);
  EXPECT_EQ(this->control().reject(SlotId::b).error().code, Errc::cannot_arm);
  ASSERT_TRUE(this->control().bless(SlotId::a));
  EXPECT_EQ(this->state(), (BootState{SlotId::a, std::nullopt, false}));
  ASSERT_TRUE(this->control().arm(SlotId::b, 3)) << "mended in the same boot";
  EXPECT_EQ(this->fixture_.start(), (Started{SlotId::b, true}));
  ASSERT_TRUE(this->control().bless(SlotId::b));
}

// Every call from every state that three calls and starts can reach.
TYPED_TEST_P(BootControlContract, EverySequenceKeepsTheRules) {
  struct Call {
    const char* name;
    Status (*run)(BootControl&);
  };
  static const Call calls[] = {
      {"arm a", [](BootControl& c) { return c.arm(SlotId::a, 2); }},
      {"arm b", [](BootControl& c) { return c.arm(SlotId::b, 2); }},
      {"reject a", [](BootControl& c) { return c.reject(SlotId::a); }},
      {"reject b", [](BootControl& c) { return c.reject(SlotId::b); }},
      {"bless a", [](BootControl& c) { return c.bless(SlotId::a); }},
      {"bless b", [](BootControl& c) { return c.bless(SlotId::b); }},
      {"start", nullptr},
  };
  for (int sequence = 0; sequence < 7 * 7 * 7; ++sequence) {
    TypeParam fixture;
    std::string path;
    for (int rest = sequence, step = 0; step < 3; ++step, rest /= 7) {
      const Call& call = calls[rest % 7];
      path += std::string(call.name) + ", ";
      const BootState before = fixture.control().state().value();
      if (call.run == nullptr) {
        const Started started = fixture.start();
        EXPECT_EQ(started.trial, before.offered && before.trial->tries_left > 0) << path;
        EXPECT_EQ(started.slot, started.trial ? before.trial->slot : before.fallback) << path;
        EXPECT_FALSE(fixture.control().state().value().offered && started.trial) << path;
        EXPECT_EQ(fixture.control().state().value().fallback, before.fallback) << path;
        continue;
      }
      const Status status = call.run(fixture.control());
      const BootState after = fixture.control().state().value();
      if (!status) {
        EXPECT_EQ(after, before) << path << status.error().what;
      }
      if (call.name[0] != 'b') {
        EXPECT_EQ(after.fallback, before.fallback) << path;
      }
      EXPECT_FALSE(after.trial && after.trial->slot == after.fallback) << path;
      EXPECT_TRUE(after.trial || !after.offered) << path;
    }
  }
}

REGISTER_TYPED_TEST_SUITE_P(BootControlContract, WithoutAnOfferTheFallbackStarts,
                            AnOfferIsSpentAndCountedBeforeTheTrialStarts,
                            ArmingAgainKeepsTheCount, OnlyBlessChangesTheFallback,
                            TheOtherDirectionWorksToo, RejectEndsATrialOfferedOrSpent,
                            IllegalCallsChangeNothing, DamagedRecordsAreAnErrorOfAllButBless,
                            EverySequenceKeepsTheRules);

}  // namespace cube
