// logind is asked for a restart, and who blocks one, on a bus of the test's own; whatever it says
// is told.
#include "agent/power/logind_restart.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "agent/power/shutdown_locks.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

class LogindRestart : public ::testing::Test {
 protected:
  LogindRestart() {
    const std::string address = "unix:path=" + folder_.path() + "/bus";
    std::ofstream(folder_.path() + "/conf")
        << "<busconfig><listen>" << address
        << "</listen><auth>EXTERNAL</auth><policy context='default'>"
        << "<allow user='*'/><allow own='*'/><allow send_destination='*'/><allow "
           "receive_sender='*'/>"
        << "<allow send_requested_reply='true'/></policy></busconfig>";
    const std::string option = "--config-file=" + folder_.path() + "/conf";
    daemon_ = ::fork();
    if (daemon_ == 0) {
      ::execl("/usr/bin/dbus-daemon", "dbus-daemon", "--nofork", "--nosyslog", option.c_str(),
              nullptr);
      ::_exit(127);
    }
    for (int i = 0; i < 100 && !std::filesystem::exists(folder_.path() + "/bus"); ++i)
      ::usleep(50'000);
    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", address.c_str(), 1);
  }
  ~LogindRestart() override {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    ::kill(daemon_, SIGKILL);
    ::waitpid(daemon_, nullptr, 0);
    ::unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
  }

  static int on_reboot(sd_bus_message* call, void* data, sd_bus_error*) {
    auto& test = *static_cast<LogindRestart*>(data);
    ++test.asked_;
    int interactive = 1;
    sd_bus_message_read(call, "b", &interactive);
    EXPECT_EQ(interactive, 0) << "there is nobody who could be asked";
    if (test.refuses_)
      return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_ACCESS_DENIED, "%s", "not now");
    return sd_bus_reply_method_return(call, "");
  }

  // As the bus answers for a logind that systemd cannot start for it.
  static int on_list(sd_bus_message* call, void* data, sd_bus_error*) {
    const auto& test = *static_cast<LogindRestart*>(data);
    return sd_bus_reply_method_errorf(call, test.list_error_, "%s", "as the bus says it");
  }

  void play_logind() {
    static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Reboot", "b", "", &LogindRestart::on_reboot, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ListInhibitors", "", "a(ssssuu)", &LogindRestart::on_list,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END};
    sd_bus* bus = nullptr;
    ASSERT_GE(sd_bus_open_system(&bus), 0);
    ASSERT_GE(sd_bus_add_object_vtable(bus, nullptr, "/org/freedesktop/login1",
                                       "org.freedesktop.login1.Manager", vtable, this),
              0);
    ASSERT_GE(sd_bus_request_name(bus, "org.freedesktop.login1", 0), 0);
    thread_ = std::thread([this, bus] {
      while (!stop_) {
        while (sd_bus_process(bus, nullptr) > 0) {
        }
        sd_bus_wait(bus, 50'000);
      }
      sd_bus_flush_close_unref(bus);
    });
  }

  ScratchDir folder_;
  pid_t daemon_ = -1;
  std::thread thread_;
  std::atomic<bool> stop_{false}, refuses_{false};
  std::atomic<int> asked_{0};
  std::atomic<const char*> list_error_{nullptr};
};

TEST_F(LogindRestart, IsAskedForTheRestart) {
  play_logind();
  EXPECT_TRUE(ask_logind_to_reboot());
  EXPECT_EQ(asked_, 1);
}

TEST_F(LogindRestart, ThatRefusesIsNotTakenForOneThatObeys) {
  refuses_ = true;
  play_logind();
  const auto asked = ask_logind_to_reboot();
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, Errc::failed);
  EXPECT_NE(asked.error().what.find("not now"), std::string::npos) << asked.error().what;
}

TEST_F(LogindRestart, ThatIsNotThereIsToldApart) {
  EXPECT_EQ(ask_logind_to_reboot().error().code, Errc::not_found);
  ::setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
  EXPECT_EQ(ask_logind_to_reboot().error().code, Errc::not_found);
}

// An update that waits for its window would wait for ever.
TEST_F(LogindRestart, ThatIsMaskedHoldsNothingBack) {
  play_logind();
  for (const char* name :
       {"org.freedesktop.DBus.Error.FileExists",  // systemd 252, by the alias
        "org.freedesktop.systemd1.UnitMasked", "org.freedesktop.systemd1.NoSuchUnit"}) {
    list_error_ = name;
    const auto locks = shutdown_locks();
    ASSERT_TRUE(locks) << name << ": " << locks.error().what;
    EXPECT_TRUE(locks->empty());
  }
}

TEST_F(LogindRestart, ThatCannotBeAskedNowIsNotTakenForAbsent) {
  play_logind();
  for (const char* name :
       {"org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.TimedOut",
        "org.freedesktop.DBus.Error.Spawn.ChildExited"}) {
    list_error_ = name;
    EXPECT_FALSE(shutdown_locks()) << name;
  }
}

}  // namespace
}  // namespace cube
