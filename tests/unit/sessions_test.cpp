// Who is warned of a restart: terminals that utmp names, and nothing else.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mount.h>
#include <unistd.h>
#include <utmp.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "agent/power/terminals.h"
#include "base/fd.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

std::string entry(const std::string& line, short type, pid_t pid) {
  utmp user{};
  user.ut_type = type;
  user.ut_pid = pid;
  std::memcpy(user.ut_line, line.data(), std::min(line.size(), sizeof user.ut_line));
  return std::string(reinterpret_cast<const char*>(&user), sizeof user);
}

class SessionsTest : public testing::Test {
 protected:
  // The other side of a terminal of ours.
  std::string open_terminal() {
    master_ = Fd(::posix_openpt(O_RDWR | O_NOCTTY));
    EXPECT_TRUE(master_.valid() && ::grantpt(master_.get()) == 0 && ::unlockpt(master_.get()) == 0);
    std::array<char, 64> name{};
    EXPECT_EQ(::ptsname_r(master_.get(), name.data(), name.size()), 0);
    slave_ = Fd(::open(name.data(), O_RDWR | O_NOCTTY));
    return std::string(name.data()).substr(std::strlen("/dev/"));
  }
  std::string shown() const {
    pollfd terminal{master_.get(), POLLIN, 0};
    if (::poll(&terminal, 1, 2000) != 1) return "";
    std::array<char, 1024> bytes{};
    const auto count = ::read(master_.get(), bytes.data(), bytes.size());
    return std::string(bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  static Update update(Start start) {
    Update update;
    update.release.name = ReleaseName::parse("CUBE_2.0.0_20260101-0000_abcd1234").value();
    update.start = start;
    return update;
  }

  ScratchDir dir_;
  RootDir root_ = dir_.root();
  Fd master_, slave_;
};

TEST_F(SessionsTest, OnlyLivingUsersOfRealNamesCount) {
  EXPECT_TRUE(terminals_in_use(root_).empty());
  put(dir_.path() + "/run/utmp",
      entry("pts/3", USER_PROCESS, ::getpid()) + entry("tty1", LOGIN_PROCESS, ::getpid()) +
          entry("pts/4", USER_PROCESS, 999999999) + entry("../etc/passwd", USER_PROCESS, 1) +
          entry("/dev/sda", USER_PROCESS, 1) + entry(":0 x", USER_PROCESS, 1) +
          entry("", USER_PROCESS, 1) + "cut off");
  EXPECT_EQ(terminals_in_use(root_), (std::set<std::string>{"pts/3"}));
}

TEST_F(SessionsTest, AMessageGoesToATerminalAndToNothingElse) {
  const auto devices = RootDir::open("/dev").value();
  const auto name = open_terminal();
  ASSERT_TRUE(write_to_terminal(devices, name, "restarts now"));
  EXPECT_NE(shown().find("restarts now"), std::string::npos);
  EXPECT_FALSE(write_to_terminal(devices, "null", "restarts now"));
  put(dir_.path() + "/file", "");
  EXPECT_FALSE(write_to_terminal(root_, "file", "restarts now"));
  EXPECT_EQ(get(dir_.path() + "/file"), "");
}

TEST_F(SessionsTest, NobodyThereNobodyToldNobodyWaitedFor) {
  EXPECT_EQ(LocalSessions(root_, 1).warn(update(Start::in_window)), 0);
  put(dir_.path() + "/run/utmp", entry("pts/3", USER_PROCESS, ::getpid()));
  std::filesystem::create_directories(dir_.path() + "/dev/pts");
  EXPECT_EQ(LocalSessions(root_, 1).warn(update(Start::in_window)), 0) << "no such terminal";
}

// On a root that has this one terminal.
TEST_F(SessionsTest, WhoIsThereIsToldAndGivenTime) {
  const auto name = open_terminal();
  const std::string device = dir_.path() + "/dev/" + name;
  put(device, "");
  if (::mount(("/dev/" + name).c_str(), device.c_str(), nullptr, MS_BIND, nullptr) != 0)
    GTEST_SKIP() << "no mount can be made here";
  put(dir_.path() + "/run/utmp", entry(name, USER_PROCESS, ::getpid()));
  const auto waited = LocalSessions(root_, 2).warn(update(Start::in_window));
  const auto told = shown();
  const auto at_once = LocalSessions(root_, 2).warn(update(Start::at_once));
  const auto told_at_once = shown();
  const auto off = LocalSessions(root_, 0).warn(update(Start::in_window));
  EXPECT_EQ(::umount2(device.c_str(), MNT_DETACH), 0);
  EXPECT_EQ(waited, 120);
  EXPECT_NE(told.find("restarts in 2 minutes, into the release CUBE_2.0.0"), std::string::npos)
      << told;
  EXPECT_EQ(at_once, 0);
  EXPECT_NE(told_at_once.find("restarts now"), std::string::npos);
  EXPECT_EQ(off, 0);
}

}  // namespace
}  // namespace cube
