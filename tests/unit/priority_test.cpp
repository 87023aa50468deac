// The kernel is asked back, in a thread of its own: what was lowered cannot be raised again.
#include <gtest/gtest.h>

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "base/priority.h"

namespace cube {
namespace {

struct Standing {
  int policy = -1;
  int nice = -1;
  long io_class = -1, io_level = -1;
};

Standing standing_now() {
  const long io = ::syscall(SYS_ioprio_get, 1, 0);
  return {::sched_getscheduler(0), ::getpriority(PRIO_PROCESS, 0), io >> 13, io & 0x1fff};
}

// After `lower` in a new thread, and in a thread that this one starts.
template <typename Lower>
std::pair<Standing, Standing> standing_after(Lower lower) {
  Standing own, child;
  std::thread([&] {
    lower();
    own = standing_now();
    std::thread([&] { child = standing_now(); }).join();
  }).join();
  return {own, child};
}

TEST(Priority, LowYieldsAndIsInherited) {
  const auto [own, child] = standing_after([] {
    EXPECT_TRUE(lower_cpu_priority(Priority::low));
    EXPECT_TRUE(lower_io_priority(Priority::low));
  });
  for (const Standing& standing : {own, child}) {
    EXPECT_EQ(standing.policy, SCHED_BATCH);
    EXPECT_GE(standing.nice, 10);
    EXPECT_EQ(standing.io_class, 2) << "best effort";
    EXPECT_EQ(standing.io_level, 7);
  }
}

TEST(Priority, IdleTakesOnlyWhatNobodyWants) {
  const auto [own, child] = standing_after([] {
    EXPECT_TRUE(lower_cpu_priority(Priority::idle));
    EXPECT_TRUE(lower_io_priority(Priority::idle));
  });
  for (const Standing& standing : {own, child}) {
    EXPECT_EQ(standing.policy, SCHED_IDLE);
    EXPECT_EQ(standing.io_class, 3) << "idle";
  }
}

TEST(Priority, NormalLeavesAllAsItWasAndNothingIsRaised) {
  const Standing before = standing_now();
  const auto untouched = standing_after([] {
    EXPECT_TRUE(lower_cpu_priority(Priority::normal));
    EXPECT_TRUE(lower_io_priority(Priority::normal));
  });
  EXPECT_EQ(untouched.first.policy, before.policy);
  EXPECT_EQ(untouched.first.nice, before.nice);
  const auto still_idle = standing_after([] {
    ASSERT_EQ(::setpriority(PRIO_PROCESS, 0, 19), 0);
    EXPECT_TRUE(lower_cpu_priority(Priority::low));
    EXPECT_TRUE(lower_io_priority(Priority::idle));
    EXPECT_TRUE(lower_io_priority(Priority::low));
  });
  EXPECT_EQ(still_idle.first.nice, 19);
  EXPECT_EQ(still_idle.first.io_class, 3);
}

TEST(Priority, HasThreeNames) {
  for (const Priority priority : {Priority::normal, Priority::low, Priority::idle})
    EXPECT_EQ(parse_priority(to_string(priority)), priority);
  EXPECT_FALSE(parse_priority("high"));
}

}  // namespace
}  // namespace cube
