#include "base/loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "base/child.h"
#include "base/fd.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

TEST(Loop, CallsWhatIsDueInItsOrder) {
  auto loop = Loop::make();
  ASSERT_TRUE(loop);
  std::string order;
  const auto second = loop->after(milliseconds(120), [&] { order += "b", loop->stop(); });
  const auto first = loop->after(milliseconds(20), [&] { order += "a"; });
  auto never = loop->after(milliseconds(60), [&] { order += "x"; });
  *never = {};
  ASSERT_TRUE(loop->run());
  EXPECT_EQ(order, "ab") << "what was let go of is not called";
}

TEST(Loop, ACallbackMayLetGoOfItsOwnWatch) {
  auto loop = Loop::make();
  Loop::Watch watch;
  const std::string text(1000, 'x');
  std::size_t seen = 0;
  watch = *loop->after(milliseconds(1), [&, text] {
    watch = {};
    seen = text.size();  // what it needs is still there
    loop->stop();
  });
  ASSERT_TRUE(loop->run());
  EXPECT_EQ(seen, 1000U);
}

TEST(Loop, TellsWhatCanBeReadAndThatTheOtherSideIsGone) {
  auto loop = Loop::make();
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  int calls = 0;
  const auto watch = loop->on_readable(read_end.get(), [&] {
    std::array<char, 8> buffer{};
    const auto got = ::read(read_end.get(), buffer.data(), buffer.size());
    if (++calls == 1) {
      EXPECT_EQ(got, 1);
      write_end.reset();
    } else {
      EXPECT_EQ(got, 0);
      loop->stop();
    }
  });
  ASSERT_EQ(::write(write_end.get(), "x", 1), 1);
  ASSERT_TRUE(loop->run());
  EXPECT_EQ(calls, 2);
}

TEST(Loop, ASignalThatAsksToEndEndsIt) {
  auto loop = Loop::make();
  const auto kill = loop->after(milliseconds(10), [] { ::kill(::getpid(), SIGTERM); });
  ASSERT_TRUE(loop->run());
}

TEST(Loop, DoesNotWakeWhileNothingHappens) {
  auto loop = Loop::make();
  rusage before{}, after{};
  const auto end = loop->after(seconds(2), [&] { loop->stop(); });
  ::getrusage(RUSAGE_THREAD, &before);
  ASSERT_TRUE(loop->run());
  ::getrusage(RUSAGE_THREAD, &after);
  EXPECT_LE(after.ru_nvcsw - before.ru_nvcsw, 3);
}

// What systemd would hear with WatchdogSec=1.
TEST(Loop, FeedsTheWatchdogWhileItRunsAndNotWhileItHangs) {
  const ScratchDir folder;
  const std::string path = folder.path() + "/notify";
  const Fd heard(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  ASSERT_EQ(::bind(heard.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  ::setenv("WATCHDOG_USEC", "1000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  const auto count = [&] {
    int fed = 0;
    std::array<char, 256> text{};
    for (ssize_t got = 0; (got = ::recv(heard.get(), text.data(), text.size(), 0)) > 0;)
      fed += std::string(text.data(), static_cast<std::size_t>(got)).find("WATCHDOG=1") !=
             std::string::npos;
    return fed;
  };
  auto loop = Loop::make();
  const auto busy = loop->after(milliseconds(2500), [&] {
    EXPECT_GE(count(), 3);
    std::this_thread::sleep_for(milliseconds(1500));
    EXPECT_EQ(count(), 0) << "a loop that hangs must not be fed by anything else";
    loop->stop();
  });
  ASSERT_TRUE(loop->run());
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
}

}  // namespace
}  // namespace cube
