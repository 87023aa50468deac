#include "base/child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>

#include "base/io.h"
#include "base/loop.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

using std::chrono::milliseconds;

struct Outcome {
  std::string output;
  int code = -1;
};

Outcome run(const std::vector<std::string>& argv, const Fd& handed = Fd()) {
  auto loop = Loop::make();
  auto child = start_child(argv, handed);
  EXPECT_TRUE(child);
  Outcome outcome;
  const auto watch = loop->on_exit(child->pid, [&](int code) {
    outcome.code = code;
    loop->stop();
  });
  EXPECT_TRUE(loop->run());
  outcome.output = read_all(child->output, 65536).value();
  return outcome;
}

TEST(Child, GivesItsOutputAndItsExitCode) {
  const auto outcome = run({"/bin/sh", "-c", "echo out; exit 7"});
  EXPECT_EQ(outcome.output, "out\n");
  EXPECT_EQ(outcome.code, 7);
  EXPECT_EQ(run({"/bin/sh", "-c", "kill -9 $$"}).code, 128 + SIGKILL);
  EXPECT_EQ(run({"/nonexistent/program"}).code, 127);
}

TEST(Child, HasNothingOpenButWhatItIsHanded) {
  const ScratchDir folder;
  std::ofstream(folder.path() + "/file") << "text";
  const Fd other(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC
  const Fd handed(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_EQ(run({"/bin/sh", "-c", "test -e /proc/self/fd/3"}).code, 1);
  EXPECT_EQ(run({"/bin/sh", "-c", "test -e /proc/self/fd/" + std::to_string(other.get())}).code, 1);
  EXPECT_EQ(run({"/bin/cat", "/proc/self/fd/3/file"}, handed).output, "text");
  EXPECT_EQ(run({"/bin/sh", "-c", "test -e /proc/self/fd/4"}, handed).code, 1);
}

TEST(Child, KnowsNothingOfThisProcessesServiceManager) {
  ::setenv("NOTIFY_SOCKET", "/x", 1);
  ::setenv("WATCHDOG_USEC", "1", 1);
  ::setenv("KEPT", "yes", 1);
  const auto outcome = run({"/usr/bin/env"});
  EXPECT_EQ(outcome.output.find("NOTIFY_SOCKET"), std::string::npos);
  EXPECT_EQ(outcome.output.find("WATCHDOG_USEC"), std::string::npos);
  EXPECT_NE(outcome.output.find("KEPT=yes"), std::string::npos);
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "KEPT"}) ::unsetenv(name);
}

TEST(Child, CanBeStoppedBySignals) {
  auto loop = Loop::make();  // which blocks SIGTERM here
  const auto child = start_child({"/bin/sleep", "60"}, Fd());
  ASSERT_TRUE(child);
  int code = 0;
  const auto watch = loop->on_exit(child->pid, [&](int ended) {
    code = ended;
    loop->stop();
  });
  const auto kill = loop->after(milliseconds(50), [&] { ::kill(-child->pid, SIGTERM); });
  ASSERT_TRUE(loop->run());
  EXPECT_EQ(code, 128 + SIGTERM);
}

TEST(Child, IsToldWhenItsParentIsKilled) {
  const ScratchDir folder;
  const std::string started = folder.path() + "/started", told = folder.path() + "/told";
  const pid_t parent = ::fork();
  if (parent == 0) {
    const auto child = start_child({"/bin/sh", "-c",
                                    "trap 'touch " + told + "; exit' TERM; touch " + started +
                                        "; for i in $(seq 200); do sleep 0.05; done"},
                                   Fd());
    ::pause();
    ::_exit(child ? 0 : 1);
  }
  const auto wait_for = [](const std::string& path) {
    for (int i = 0; i < 100 && !std::filesystem::exists(path); ++i) ::usleep(50'000);
    return std::filesystem::exists(path);
  };
  EXPECT_TRUE(wait_for(started));
  EXPECT_FALSE(std::filesystem::exists(told));
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  EXPECT_TRUE(wait_for(told));
}

}  // namespace
}  // namespace cube
