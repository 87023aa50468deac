// The real cube-release, killed or failed at each call by which it changes what is stored: a
// machine that looks for releases afterwards sees the old list or the new one, and the next run
// mends it.
#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <set>

#include "base/spawn.h"
#include "keys/release_channel.h"
#include "tests/support/crash_sweep.h"
#include "tests/support/publisher_fixture.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

using Names = std::set<std::string>;

// A publish makes far more calls; fewer than this means that the shim lost sight of them.
constexpr int fewest_calls = 20;

class PublishCrashSweep : public ReleaseTest {
 protected:
  void SetUp() override {
    const auto publisher = init();
    ASSERT_TRUE(publisher.add_release(release(old_name)));
    ASSERT_TRUE(publisher.publish(SystemClock(RootDir::open("/").value()).now()));
    fs::create_directories(machine() + "/usr/share/cube-update");
    fs::create_directories(machine() + "/var/lib/cube-update/tuf");
    fs::copy_file(repository() + "/metadata/1.root.json",
                  machine() + "/usr/share/cube-update/root.json");
    ASSERT_EQ(seen().value(), Names{old_name});
  }

  void keep() const {
    for (const auto& place : {repository(), repository() + ".keys", machine()})
      fs::copy(place, place + ".kept", fs::copy_options::recursive);
  }
  void restore() const {
    for (const auto& place : {repository(), repository() + ".keys", machine()}) {
      fs::remove_all(place);
      fs::copy(place + ".kept", place, fs::copy_options::recursive);
    }
  }

  [[nodiscard]] std::string machine() const { return scratch_.path() + "/machine"; }
  // As a machine sees it that remembers what it saw before.
  [[nodiscard]] Result<Names> seen() const {
    CUBE_TRY(const auto root, RootDir::open(machine()));
    ChannelConfig config;
    config.url = repository();
    const SystemClock clock(root);
    CUBE_TRY(auto channel, ReleaseChannel::open(root, clock, config));
    CUBE_TRY(const auto names, channel.names());
    Names texts;
    for (const auto& name : names) texts.insert(name.text);
    return texts;
  }

  [[nodiscard]] std::vector<std::string> command(std::vector<std::string> words) const {
    words.insert(words.begin(), CUBE_RELEASE);
    words.insert(words.end(), {"--repository", repository()});
    return words;
  }
  [[nodiscard]] int run(const std::vector<std::string>& words) const {
    const auto done = spawn(command(words), {});
    return done ? done->exit_code : -1;
  }

  // `judge` is called after each crash, with a word on which it was.
  template <typename Judge>
  void sweep(const std::vector<std::string>& words, Judge judge) const {
    keep();
    const auto whole = count_calls(command(words));
    ASSERT_EQ(whole.exit_code, 0) << whole.output;
    ASSERT_GE(whole.calls, fewest_calls);
    for (int n = 1; n <= whole.calls; ++n) {
      for (const auto crash : {Crash::torn, Crash::no_space}) {
        restore();
        const auto crashed = run_with_crash(command(words), n, crash);
        const auto when = "call " + std::to_string(n) + " of " + std::to_string(whole.calls) +
                          ", crash " + std::to_string(static_cast<int>(crash)) + ": " +
                          crashed.output;
        ASSERT_TRUE(crashed.exit_code != 0 || crash == Crash::no_space) << when;
        judge(when);
        if (HasFatalFailure()) return;
      }
    }
    std::cout << whole.calls << " calls, killed and failed at each\n";
  }
};

TEST_F(PublishCrashSweep, PublishShowsTheOldListOrTheNew) {
  ASSERT_TRUE(Publisher::open(repository())->add_release(release(new_name)));
  const Names before{old_name}, after{old_name, new_name};
  int old_lists = 0, new_lists = 0;
  sweep({"publish"}, [&](const std::string& when) {
    const auto first = seen();
    ASSERT_TRUE(first) << when << first.error().what;
    ASSERT_TRUE(*first == before || *first == after) << when;
    ++(*first == before ? old_lists : new_lists);
    const int again = run({"publish"});
    ASSERT_TRUE(again == 0 || (again == 3 && *first == after)) << when << again;
    const auto second = seen();
    ASSERT_TRUE(second) << when << second.error().what;
    ASSERT_EQ(*second, after) << when;
    ASSERT_TRUE(Publisher::open(repository())->pending()->empty()) << when;
  });
  EXPECT_GT(old_lists, 0);
  EXPECT_GT(new_lists, 0);
}

TEST_F(PublishCrashSweep, ARotationShowsTheListOrMakesMachinesWait) {
  const auto keys = KeyFolder::open(repository() + ".keys").value();
  ASSERT_TRUE(keys.generate("targets-2"));
  const Names list{old_name};
  int waiting = 0, seen_at_once = 0;
  sweep({"key", "rotate", "targets", "--key", "targets-2"}, [&](const std::string& when) {
    const auto first = seen();
    ASSERT_TRUE(first ? *first == list : first.error().code == Errc::untrusted) << when;
    ++(first ? seen_at_once : waiting);
    const bool rotated = fs::exists(repository() + "/metadata/2.root.json");
    ASSERT_EQ(
        run(rotated ? std::vector<std::string>{"renew"}
                    : std::vector<std::string>{"key", "rotate", "targets", "--key", "targets-2"}),
        0)
        << when;
    const auto second = seen();
    ASSERT_TRUE(second) << when << second.error().what;
    ASSERT_EQ(*second, list) << when;
    const auto publisher = Publisher::open(repository()).value();
    ASSERT_EQ(publisher.repository().roots()->size(), 2U) << when;
  });
  std::cout << waiting << " of " << waiting + seen_at_once << " crashes made the machine wait\n";
  EXPECT_GT(seen_at_once, 0);
  EXPECT_LT(waiting, seen_at_once / 4) << "only between the root and timestamp.json";
}

}  // namespace
}  // namespace cube
