#include "agent/power/terminals.h"

#include <fcntl.h>
#include <signal.h>
#include <systemd/sd-login.h>
#include <unistd.h>
#include <utmp.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "base/log.h"
#include "base/mutation.h"
#include "model/name.h"

namespace cube {
namespace {

constexpr std::size_t max_utmp_bytes = 1024 * 1024;
constexpr std::size_t max_terminals = 256;
constexpr std::size_t max_message = 512;

// "tty1", "pts/3": what can only be a name below dev.
bool is_terminal_name(const std::string& name) {
  return !name.empty() && name.size() <= UT_LINESIZE && name.front() != '/' &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_ascii_alnum(c) || c == '/'; });
}

void add_from_utmp(const RootDir& root, std::set<std::string>& names) {
  const auto bytes = root.read_file("run/utmp", max_utmp_bytes);
  if (!bytes) return;  // many systems have none
  for (std::size_t at = 0; at + sizeof(utmp) <= bytes->size(); at += sizeof(utmp)) {
    utmp entry{};
    std::memcpy(&entry, bytes->data() + at, sizeof entry);
    if (entry.ut_type != USER_PROCESS || entry.ut_pid <= 0) continue;
    if (::kill(entry.ut_pid, 0) != 0 && errno == ESRCH) continue;
    const char* line = entry.ut_line;
    const std::string name(line, ::strnlen(line, UT_LINESIZE));
    if (is_terminal_name(name) && names.size() < max_terminals) names.insert(name);
  }
}

void add_from_logind(std::set<std::string>& names) {
  char** sessions = nullptr;
  if (::sd_get_sessions(&sessions) <= 0) return;
  for (char** session = sessions; *session != nullptr; ++session) {
    char* terminal = nullptr;
    if (::sd_session_get_tty(*session, &terminal) >= 0 && terminal != nullptr) {
      const std::string name(terminal);
      if (is_terminal_name(name) && names.size() < max_terminals) names.insert(name);
    }
    std::free(terminal);
    std::free(*session);
  }
  std::free(sessions);
}

// The terminal that the operator sits at; "": none.
std::string own_terminal() {
  constexpr std::string_view devices = "/dev/";
  std::array<char, 128> name{};
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::ttyname_r(fd, name.data(), name.size()) == 0 &&
        std::string_view(name.data()).starts_with(devices))
      return std::string(name.data()).substr(devices.size());
  return "";
}

}  // namespace

std::set<std::string> terminals_in_use(const RootDir& root) {
  std::set<std::string> names;
  add_from_utmp(root, names);
  if (root.path() == "/") add_from_logind(names);
  return names;
}

Status write_to_terminal(const RootDir& devices, const std::string& name, const std::string& text) {
  CUBE_TRY(const auto fd, devices.open_file(name, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW));
  if (::isatty(fd.get()) != 1) return Error{Errc::failed, devices.join(name) + " is no terminal"};
  const std::string message = "\r\n" + text.substr(0, max_message) + "\r\n";
  const auto written = ::write(fd.get(), message.data(), message.size());
  return written >= 0 ? ok() : Status(system_error("write to " + devices.join(name)));
}

Seconds LocalSessions::warn(const Update& update) {
  if (minutes_ <= 0 || mutated("nobody-warned")) return 0;
  const bool at_once = update.start == Start::at_once;
  const std::string when =
      at_once ? "now" : "in " + std::to_string(minutes_) + (minutes_ == 1 ? " minute" : " minutes");
  const std::string text = "cube-update: this machine restarts " + when + ", into the release " +
                           update.release.name.text;
  auto names = terminals_in_use(root_);
  names.erase(own_terminal());
  const auto devices = root_.below("dev");
  if (names.empty() || !devices) return 0;
  bool told = false;
  for (const auto& name : names) {
    const auto status = write_to_terminal(*devices, name, text);
    told = told || status.has_value();
    if (!status) log(Level::info, "not warned of the restart: " + status.error().what);
  }
  return told && !at_once ? minutes_ * 60 : 0;
}

}  // namespace cube
