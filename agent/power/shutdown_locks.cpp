#include "agent/power/shutdown_locks.h"

#include <systemd/sd-bus.h>

#include <memory>

#include "agent/power/logind_absence.h"

namespace cube {
namespace {

constexpr std::uint64_t answer_within_us = 10'000'000;
constexpr std::size_t max_locks = 100;

struct BusCloser {
  void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
};
struct MessageCloser {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};

}  // namespace

Result<std::vector<std::string>> shutdown_locks() {
  sd_bus* opened = nullptr;
  if (sd_bus_open_system(&opened) < 0) return std::vector<std::string>();
  const std::unique_ptr<sd_bus, BusCloser> bus(opened);
  sd_bus_set_method_call_timeout(opened, answer_within_us);
  sd_bus_error error{};
  sd_bus_message* raw = nullptr;
  const int r =
      sd_bus_call_method(opened, "org.freedesktop.login1", "/org/freedesktop/login1",
                         "org.freedesktop.login1.Manager", "ListInhibitors", &error, &raw, "");
  const std::unique_ptr<sd_bus_message, MessageCloser> reply(raw);
  const bool absent = r < 0 && tells_logind_is_absent(error.name);
  sd_bus_error_free(&error);
  if (absent) return std::vector<std::string>();
  if (r < 0) return system_error("logind: list who blocks a shutdown", -r);
  if (const int entered = sd_bus_message_enter_container(raw, 'a', "(ssssuu)"); entered < 0)
    return system_error("logind: read its list", -entered);
  std::vector<std::string> locks;
  while (locks.size() < max_locks) {
    const char *what, *who, *why, *mode;
    std::uint32_t user = 0, process = 0;
    const int read =
        sd_bus_message_read(raw, "(ssssuu)", &what, &who, &why, &mode, &user, &process);
    if (read < 0) return system_error("logind: read its list", -read);
    if (read == 0) break;
    const bool shutdown = (":" + std::string(what) + ":").find(":shutdown:") != std::string::npos;
    if (shutdown && std::string_view(mode) == "block")
      locks.push_back(std::string(who) + " (user " + std::to_string(user) + "): " + why);
  }
  return locks;
}

}  // namespace cube
