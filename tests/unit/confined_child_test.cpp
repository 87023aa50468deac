#include "base/confined_child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>

#include "base/io.h"

namespace cube {
namespace {

std::string said(const std::string& script, const Confinement& confinement = {}) {
  auto child = start_confined({"/bin/sh", "-c", script}, confinement);
  EXPECT_TRUE(child) << child.error().what;
  ::waitpid(child->pid, nullptr, 0);
  return read_all(child->output, 65536).value();
}

bool is_root() {
  return ::geteuid() == 0;
}

TEST(ConfinedChild, HasWhatItIsHandedInThatOrder) {
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC)), zero(::open("/dev/zero", O_RDONLY));
  Confinement two;
  two.handed = {zero.get(), null.get()};
  EXPECT_EQ(said("readlink /proc/self/fd/3 /proc/self/fd/4; test -e /proc/self/fd/5; echo $?", two),
            "/dev/zero\n/dev/null\n1\n");
}

TEST(ConfinedChild, IsNobodyWithoutNetworkOrPrivileges) {
  if (!is_root()) GTEST_SKIP() << "needs root";
  EXPECT_EQ(said("id -u; id -g"), "65534\n65534\n");
  EXPECT_EQ(said("grep -E 'CapEff|CapPrm|NoNewPrivs' /proc/self/status | tr -d '\\t\\n'"),
            "CapPrm:0000000000000000CapEff:0000000000000000NoNewPrivs:1");
  Confinement grouped;
  grouped.group = 4321;
  EXPECT_EQ(said("id -G", grouped), "65534 4321\n");
}

TEST(ConfinedChild, YieldsToOthers) {
  EXPECT_EQ(said("cat /proc/self/oom_score_adj"), "1000\n");
  EXPECT_GE(std::stoi(said("cut -d' ' -f19 /proc/self/stat")), 10) << "nice";
  EXPECT_EQ(said("cut -d' ' -f41 /proc/self/stat"), "3\n") << "SCHED_BATCH";
  EXPECT_EQ(said("ulimit -c"), "0\n");
  Confinement small;
  small.max_memory = 512 << 20;
  EXPECT_EQ(said("ulimit -v", small), "524288\n");
}

TEST(ConfinedChild, ThatCannotBeStartedSaysWhy) {
  EXPECT_EQ(start_confined({"/nonexistent"}, {}).error().code, Errc::not_found);
  EXPECT_EQ(start_confined({}, {}).error().code, Errc::bug);
}

// The one that starts it is killed; whoever asks is its grandparent.
TEST(ConfinedChild, DiesWithTheOneThatStartedIt) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const pid_t starter = ::fork();
  if (starter == 0) {
    const auto child = start_confined({"/bin/sleep", "1000"}, {});
    const pid_t pid = child ? child->pid : -1;
    const auto told = ::write(ends[1], &pid, sizeof pid);
    static_cast<void>(told);
    for (;;) ::pause();
  }
  pid_t child = -1;
  ASSERT_EQ(::read(ends[0], &child, sizeof child), static_cast<ssize_t>(sizeof child));
  ASSERT_GT(child, 0);
  EXPECT_EQ(::kill(child, 0), 0);
  ::kill(starter, SIGKILL);
  ::waitpid(starter, nullptr, 0);
  const auto gone = [child] {
    const Fd file(::open(("/proc/" + std::to_string(child) + "/stat").c_str(), O_RDONLY));
    if (!file.valid()) return true;
    const auto stat = read_all(file, 4096);
    return !stat || stat->find(") Z") != std::string::npos;
  };
  for (int i = 0; i < 100 && !gone(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_TRUE(gone());
  ::kill(child, SIGKILL);
}

}  // namespace
}  // namespace cube
